"""The commands of people who were given a key, against a server that asks for one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.keyed import KEYS_MODE, Key, keys, make_key
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask

_CODE = (
    # Who runs the tests may have it ignored.
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from talkwire.cli.main import app; app()"
)
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server that asks for keys."""
    folder = tmp_path_factory.mktemp("keyed")
    running = Server(folder, env={"USE_MOCK": "1"}, config=KEYS_MODE)
    running.start_blocking()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def key(keyed: Server) -> Key:
    return make_key(keyed)


@contextmanager
def _talkwire(server: Server, *words: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [sys.executable, "-c", _CODE, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=server.environment | env,
        cwd=server.folder,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def _rest(running: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says until its end, behind what was read already."""
    assert running.stdout is not None
    assert running.stderr is not None
    return running.stdout.read(), running.stderr.read()


def _told(server: Server, *words: str, **env: str) -> tuple[int, str, str]:
    """Status, output and notes of a command that ends by itself."""
    with _talkwire(server, *words, **env) as running:
        out, notes = running.communicate(timeout=WITHIN_S)
        return running.returncode, out, notes


def test_without_a_key_it_is_told_how_to_get_one(keyed: Server) -> None:
    status, out, notes = _told(keyed, "chat", "count to 5", "--url", keyed.url)
    assert (status, out) == (1, "")
    assert "talkwire keys create" in notes
    assert "TALKWIRE_API_KEY" in notes

    chinese = _told(keyed, "chat", "数到 5", "--url", keyed.url, LANG="zh_CN.UTF-8")[2]
    assert "要求密钥" in chinese
    assert "TALKWIRE_API_KEY" in chinese


def test_a_key_of_the_environment_opens_chat_and_replay(keyed: Server, key: Key) -> None:
    env = {"TALKWIRE_API_KEY": key.text}
    asked = _told(keyed, "chat", "count to 5", "--url", keyed.url, **env)
    assert asked == (0, "1, 2, 3, 4, 5.\n", "")

    turn = asyncio.run(
        ask(keyed.port, "POST", "/turns", body={"input": "count to 3"}, headers=key.headers)
    )[1]["turn_id"]
    played = _told(keyed, "replay", turn, "--url", keyed.url, "--speed", "0", **env)
    assert played == (0, "1, 2, 3.\n", "")
    refused = _told(keyed, "replay", turn, "--url", keyed.url)
    assert refused[0] == 1
    assert "asks for a key" in refused[2]


def test_a_key_of_a_file_goes_before_the_environments(
    keyed: Server, key: Key, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f"{key.text}\n")
    words = ("chat", "count to 5", "--url", keyed.url, "--key-file", str(tmp_path / "key"))

    assert _told(keyed, *words, TALKWIRE_API_KEY="tw_other_x")[0] == 0


def test_a_revoked_key_and_one_without_the_scope_are_told_and_not_shown(keyed: Server) -> None:
    revoked, reading = make_key(keyed), make_key(keyed, "--scopes", "sessions:read")
    keys(keyed, "revoke", revoked.id)
    for key, said in ((revoked, "does not take this key"), (reading, "scope chat")):
        status, _, notes = _told(keyed, "chat", "x", "--url", keyed.url, TALKWIRE_API_KEY=key.text)
        assert status == 1
        assert said in notes
        assert key.text.rpartition("_")[2] not in notes


def test_too_many_requests_are_told_with_when_to_come_back(keyed: Server) -> None:
    slow = make_key(keyed, "--rpm", "1")
    env = {"TALKWIRE_API_KEY": slow.text}
    asyncio.run(ask(keyed.port, "GET", "/prompts", headers=slow.headers))

    status, _, notes = _told(keyed, "chat", "x", "--url", keyed.url, **env)

    assert status == 1
    assert "Ask again in" in notes


def test_the_doctor_shows_the_key_too(keyed: Server, key: Key) -> None:
    words = ("doctor", "--url", keyed.url, "--json")
    without = _told(keyed, *words)
    assert without[0] == 1
    assert "asks for a key" in without[1]

    status, report, notes = _told(keyed, *words, TALKWIRE_API_KEY=key.text)
    assert (status, notes) == (0, "")
    assert "took a turn" in report
    assert "unknown variable" not in report
    assert key.text not in report


async def test_a_chat_with_a_key_outlives_its_server(fresh_server: Callable[..., Server]) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}, config=KEYS_MODE).start()
    env = {"TALKWIRE_API_KEY": make_key(server).text}
    with _talkwire(server, "chat", "slow count to 30", "--url", server.url, **env) as chat:
        assert chat.stdout is not None
        begun = await asyncio.to_thread(chat.stdout.read, 8)
        server.kill9()
        await server.restart()
        rest, notes = await asyncio.to_thread(_rest, chat)

    assert begun + rest == ", ".join(map(str, range(1, 31))) + ".\n"
    assert "reconnecting" in notes


async def test_ctrl_c_stops_the_turn_of_a_chat_with_a_key(keyed: Server, key: Key) -> None:
    env = {"TALKWIRE_API_KEY": key.text}
    with _talkwire(keyed, "chat", "slow count to 500", "--url", keyed.url, **env) as chat:
        assert chat.stdout is not None
        await asyncio.to_thread(chat.stdout.read, 4)
        chat.send_signal(signal.SIGINT)
        _, notes = await asyncio.to_thread(chat.communicate, timeout=WITHIN_S)

    assert chat.returncode == 130
    assert "stopped" in notes


async def test_a_key_that_is_revoked_ends_its_chat_with_words(
    fresh_server: Callable[..., Server],
) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}, config=KEYS_MODE).start()
    lost = make_key(server)
    env = {"TALKWIRE_API_KEY": lost.text}
    with _talkwire(server, "chat", "slow count to 500", "--url", server.url, **env) as chat:
        assert chat.stdout is not None
        await asyncio.to_thread(chat.stdout.read, 4)
        keys(server, "revoke", lost.id)
        await until(lambda: chat.poll() is not None, WITHIN_S)
        notes = (await asyncio.to_thread(chat.communicate))[1]

    assert chat.returncode == 1
    assert "does not take this key" in notes
