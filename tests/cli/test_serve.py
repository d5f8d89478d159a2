"""What hinders a server is told before anything starts; the rest is seen on a real one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from talkwire.cli.serve import (
    Hindrance,
    banner,
    check_folder,
    listen,
    run,
    url_of,
)
from talkwire.settings import DatabaseSettings, RedisSettings, Settings

EVERYBODY = "0.0.0.0"  # noqa: S104 - what is tested


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def test_a_port_in_use_is_told_with_another_one(
    taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(None, {"port": taken, "data_dir": tmp_path})

    assert status == 2
    said = capsys.readouterr().err
    assert f"Port {taken} on 127.0.0.1 is in use" in said
    assert "--port" in said


def test_two_servers_never_share_a_port() -> None:
    first = listen("127.0.0.1", 0)
    try:
        with pytest.raises(Hindrance):
            listen("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(Hindrance, match="Cannot listen on 203"):
        listen("203.0.113.7", 0)


def test_a_data_folder_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert run(None, {"port": 0, "data_dir": tmp_path / "file" / "x"}) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_with_another_database_no_folder_is_needed(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/chat")

    assert run(None, {"port": taken, "data_dir": tmp_path / "file" / "x"}) == 2
    assert f"Port {taken}" in capsys.readouterr().err


def test_a_data_folder_is_made(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_the_refusal_is_chinese_where_the_terminal_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    assert run(None, {"host": "203.0.113.7", "port": 0, "data_dir": tmp_path}) == 2
    assert "无法监听 203.0.113.7" in capsys.readouterr().err


def test_the_banner_says_that_keys_are_asked_for(tmp_path: Path) -> None:
    said = banner(Settings(data_dir=tmp_path, host=EVERYBODY), ["http://127.0.0.1:8000"], "m")

    assert "talkwire keys create" in said
    assert "-H 'Authorization: Bearer KEY'" in said
    assert "TALKWIRE_API_KEY=KEY" in said


def test_bad_settings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("prot: 1\n")

    assert run(tmp_path / "c.yaml", {}) == 2
    assert "c.yaml:1:1: prot: unknown key; did you mean port?" in capsys.readouterr().err


def test_more_processes_need_another_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(None, {"workers": 2}) == 2
    assert "needs PostgreSQL" in capsys.readouterr().err


def test_the_banner_is_ready_to_paste_and_without_secrets(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, openai_api_key=SecretStr("sk-canary"), open=True)

    said = banner(settings, ["http://127.0.0.1:8000"], "scripted demo")

    assert "curl -N http://127.0.0.1:8000/chat/stream" in said
    assert "scripted demo" in said
    assert str(tmp_path) in said
    assert "--open" in said
    assert "sk-canary" not in said


def test_the_banner_tells_the_database_without_its_password_and_the_processes() -> None:
    url = SecretStr("postgresql://me:canary@db.example:5433/talk")
    redis = RedisSettings(url=SecretStr("redis://me:canary@cache.example/1"))
    settings = Settings(database=DatabaseSettings(url=url), redis=redis, workers=3)

    said = banner(settings, ["http://127.0.0.1:8000"], "a model")

    assert "PostgreSQL db.example:5433/talk, Redis cache.example/1" in said
    assert f"Processes: 3; SIGHUP to {os.getpid()}" in said
    assert "canary" not in said
    assert "me:" not in said


def test_an_address_for_everybody_is_shown_as_this_machine() -> None:
    listening = listen(EVERYBODY, 0)
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url_of(listening))
    finally:
        listening.close()


def test_a_server_says_where_it_is_and_ends_in_order(tmp_path: Path) -> None:
    command = ["-c", "from talkwire.cli.main import app; app()", "serve", "--port", "0"]
    given = {**os.environ, "USE_MOCK": "1", "LC_ALL": "C", "TALKWIRE_DATA_DIR": str(tmp_path / "d")}
    with subprocess.Popen(
        [sys.executable, *command], stderr=subprocess.PIPE, text=True, env=given, cwd=tmp_path
    ) as server:
        assert server.stderr is not None
        said = ""
        while "Ctrl-C" not in said and (line := server.stderr.readline()):
            said += line
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        try:
            assert url, said
            answer = httpx2.get(f"{url[0]}/healthz", trust_env=False)
            assert answer.status_code == 200
            assert "server" not in answer.headers
        finally:
            server.send_signal(signal.SIGTERM)
            server.stderr.read()
        assert server.wait(20) == 0


def test_a_connection_that_takes_nothing_is_given_up_by_the_system() -> None:
    listening = listen("127.0.0.1", 0, unread_s=30)
    with listening, socket.create_connection(listening.getsockname()):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        with accepted:
            option = getattr(socket, "TCP_USER_TIMEOUT", None)
            if option is None:
                pytest.skip("this system cannot")
            assert accepted.getsockopt(socket.IPPROTO_TCP, option) == 30_000


def test_what_hinders_the_start_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "talkwire.sqlite3").write_text("no database, only text. " * 50)
    command = ["-c", "from talkwire.cli.main import app; app()", "serve", "--port", "0"]

    ended = subprocess.run(
        [sys.executable, *command, "--data-dir", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "USE_MOCK": "1"},
        cwd=tmp_path,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 3
    assert "Talkwire cannot start" in ended.stderr
    assert "file is not a database" in ended.stderr
    assert str(tmp_path / "talkwire.sqlite3") in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exiting" not in ended.stderr, "uvicorn says it once more"
