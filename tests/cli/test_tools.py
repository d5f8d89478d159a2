"""`talkwire tools`: listed with what hinders their servers, called with what they say meanwhile."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkwire.cli.tools import Refusal, parsed
from tests.tools.servers import HOSTILE

# Whoever runs the tests in the background may have had this signal ignored, for all children too.
CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from talkwire.cli.main import app; app()"
)
MINE = """
import asyncio
from talkwire.tools import tool

@tool
async def count(to: int):
    "Counts."
    for n in range(to):
        yield f"{n}\\x1b[2J "

@tool
async def hang():
    "Says something, and then nothing."
    try:
        yield "begun "
        await asyncio.Event().wait()
    finally:
        open("cancelled", "w").close()

@tool(requires_approval=True)
def erase(what: str) -> str:
    "Erases."
    return f"{what} is gone"

@tool
def fails() -> str:
    "Fails."
    raise ValueError("no luck")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    configure(tmp_path, {})
    return tmp_path


def configure(folder: Path, servers: dict[str, Any]) -> None:
    asked = {"tools": {"module": "mine.py"}, "mcpServers": servers}
    (folder / "config.yaml").write_text(yaml.safe_dump(asked))


def environment(language: str = "C.UTF-8") -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": language}


def command(*words: str) -> Sequence[str]:
    return [sys.executable, "-c", CODE, "tools", *words]


def ran(folder: Path, *words: str, given: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        command(*words),
        cwd=folder,
        env=environment(),
        input=given,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_list_for_programs_has_the_schemas_and_why_a_server_failed(folder: Path) -> None:
    there = [sys.executable, "-S", "-E", str(HOSTILE), "stdio"]
    configure(
        folder,
        {"there": {"command": there[0], "args": there[1:]}, "gone": {"command": "/nonexistent"}},
    )

    code, text, _ = ran(folder, "list", "--json")

    assert code == 0
    report = json.loads(text)
    tools = {tool["name"]: tool for tool in report["tools"]}
    assert tools["count"]["supports_streaming"] is True
    assert tools["count"]["input_schema"]["required"] == ["to"]
    assert tools["erase"]["requires_approval"] is True
    assert any(tool["server"] == "there" for tool in report["tools"])
    servers = {server["name"]: server for server in report["servers"]}
    assert servers["there"]["status"] == "connected"
    assert servers["gone"]["status"] == "failed"
    assert "not found" in servers["gone"]["last_error"]


def test_a_list_for_people_tells_what_each_takes_and_whether_it_asks(folder: Path) -> None:
    code, text, _ = ran(folder, "list")

    assert code == 0
    assert "to: integer" in text
    assert "asks first" in text


def test_without_tools_it_is_told_how_to_have_some(tmp_path: Path) -> None:
    code, text, said = ran(tmp_path, "list")

    assert (code, text) == (2, "")
    assert "mcpServers" in said
    assert json.loads(ran(tmp_path, "list", "--json")[1]) == {"tools": [], "servers": []}


def test_output_comes_to_stderr_and_the_result_alone_to_stdout(folder: Path) -> None:
    code, text, said = ran(folder, "call", "count", '{"to": 3}')

    assert code == 0
    assert text == "0\x1b[2J 1\x1b[2J 2\x1b[2J \n"  # nobody's terminal: as it is
    assert said == "0[2J 1[2J 2[2J "


def test_arguments_may_come_from_stdin(folder: Path) -> None:
    assert ran(folder, "call", "count", "-", given='{"to": 1}')[1].startswith("0")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("fails",), 1, "no luck"),
        (("count", '{"to": "many"}'), 1, "do not fit"),
        (("count", "{to: 3}"), 2, "must be a JSON object"),
        (("count", "[3]"), 2, "must be a JSON object"),
        (("cuont",), 2, "count"),
        (("hang", "{}", "--timeout", "0.2"), 1, "within 0.2 s"),
        (("erase", '{"what": "all"}'), 2, "--yes"),
    ],
)
def test_what_goes_wrong_has_its_status_and_its_words(
    folder: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    code, text, said = ran(folder, "call", *words)

    assert code == status
    assert told in text + said


def test_an_unknown_tool_names_the_server_that_might_have_had_it(folder: Path) -> None:
    configure(folder, {"gone": {"command": "/nonexistent"}})

    code, _, said = ran(folder, "call", "git_log")

    assert code == 2
    assert "The server gone failed" in said


def test_a_call_that_asks_first_runs_when_it_was_agreed_to(folder: Path) -> None:
    assert ran(folder, "call", "erase", '{"what": "it"}', "--yes")[1] == "it is gone\n"


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 2)])
def test_at_a_terminal_a_person_is_asked(folder: Path, typed: str, status: int) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("call", "erase", '{"what": "it"}'),
        cwd=folder,
        env=environment("zh_CN.UTF-8"),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        os.write(ours, typed.encode())
        text, said = asking.communicate(timeout=50)
    os.close(ours)
    os.close(theirs)

    assert asking.returncode == status
    assert "需要您的批准" in said
    assert ("it is gone" in text) == (status == 0)


def test_ctrl_c_cancels_the_call(folder: Path) -> None:
    with subprocess.Popen(
        command("call", "hang"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as hanging:
        assert hanging.stderr is not None
        assert hanging.stderr.read(5) == b"begun"
        began = time.monotonic()
        hanging.send_signal(signal.SIGINT)
        assert hanging.wait(20) == 130

    assert time.monotonic() - began < 10
    assert (folder / "cancelled").exists()


def test_no_arguments_are_none() -> None:
    assert parsed("") == parsed("{}") == {}
    with pytest.raises(Refusal):
        parsed('{"a": NaN')
