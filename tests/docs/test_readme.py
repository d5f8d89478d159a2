"""The READMEs' commands, run as they stand against a server; and what they name is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from talkwire.cli.main import app
from talkwire.settings import FROZEN_NAMES
from tests.e2e.servers import Server

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GENERATED = "docs/performance.md"  # by `make bench`


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"USE_MOCK": "1", "TALKWIRE_TOOLS__BUILTIN__CALCULATOR": "true"}
    running = Server(tmp_path_factory.mktemp("readme"), env=env)
    running.start_blocking()
    yield running
    running.stop()


def _blocks(name: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "curl" in block]


def _run(block: str, server: Server) -> str:
    script = block.replace("http://127.0.0.1:8000", server.url)
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _events(stream: str) -> list[str]:
    return re.findall(r"^event: (.+)$", stream, re.MULTILINE)


def _answered(stream: str) -> str:
    deltas = re.findall(r'"delta":"([^"]*)"', stream)
    return "".join(deltas)


@pytest.mark.parametrize(
    ("name", "counted"), [(READMES[0], "1, 2, 3, 4, 5."), (READMES[1], "1，2，3，4，5。")]
)
def test_the_first_curls_stream_an_answer(name: str, counted: str, server: Server) -> None:
    for block in _blocks(name)[:2]:
        stream = _run(block, server)

        assert _answered(stream) == counted
        assert _events(stream)[-1] == "response.completed"


@pytest.mark.parametrize("name", READMES)
def test_the_resumed_stream_is_the_rest_of_the_whole_one(name: str, server: Server) -> None:
    output = _run(_blocks(name)[2], server)

    streams, told = output[: output.rindex("\n\n")], output[output.rindex("\n\n") :]
    whole, _, resumed = streams.partition("event: turn.completed")
    resumed = resumed.partition("\n\n")[2]
    assert whole.split("\n\n")[6:] == resumed.partition("event: turn.completed")[0].split("\n\n")
    turn: dict[str, Any] = json.loads(told)
    assert turn["status"] == "completed"


@pytest.mark.parametrize("name", READMES)
def test_the_aborted_turn_is_aborted(name: str, server: Server) -> None:
    assert json.loads(_run(_blocks(name)[3], server))["status"] == "aborted"


@pytest.mark.parametrize("name", READMES)
def test_the_demo_uses_the_tool(name: str, server: Server) -> None:
    stream = _run(_blocks(name)[4], server)

    kinds = re.findall(r'^data: {"type":"(\w+)"', stream, re.MULTILINE)
    assert list(dict.fromkeys(kinds)) == ["tool_call", "tool_result", "chunk", "complete"]
    assert '"result":"42"' in stream


@pytest.mark.parametrize("name", READMES)
def test_the_help_desk_goes_on_where_the_case_stands(name: str, server: Server) -> None:
    told = _run(_blocks(name)[5], server).replace("}{", "}\n{").splitlines()

    first, second = map(json.loads, told)
    assert first["subcategory"] == second["subcategory"] == "1 提现状态查询 Flow"
    assert "WD20260312" in second["response"]
    assert second["sop_references"] == ["withdrawal-status.md"]


@pytest.mark.parametrize(("name", "title"), [(READMES[0], "A trip"), (READMES[1], "旅行计划")])
def test_a_session_is_begun_gone_on_with_found_and_taken_out(
    name: str, title: str, server: Server
) -> None:
    told = _run(_blocks(name)[6], server)

    agents, end = json.JSONDecoder().raw_decode(told)
    stream, _, rest = told[end:].partition("event: message.completed")
    found, end = json.JSONDecoder().raw_decode(rest, rest.index('{"sessions"'))
    assert [agent["id"] for agent in agents["agents"]] == ["assistant"]
    assert _events(stream)[0] == "message.started"
    assert [each["title"] for each in found["sessions"]] == [title]
    assert f"# {title}" in rest[end:]


@pytest.mark.parametrize("name", READMES)
def test_every_block_is_run_here(name: str) -> None:
    assert len(_blocks(name)) == 7


def test_both_languages_tell_of_the_same_commands_and_pages() -> None:
    english, chinese = (
        set(re.findall(r"`((?:talkwire|make) [a-z]+)|\]\((docs/[^)]+)\)", text))
        | set(re.findall(r"(/turns/\$TURN\S*|/chat/stream)(\W)", text))
        for text in ((ROOT / name).read_text("utf-8") for name in READMES)
    )

    assert {found[0] or found[1] for found in english} == {f[0] or f[1] for f in chinese}


@pytest.mark.parametrize("name", READMES)
def test_commands_and_options_that_are_named_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for command in ("serve", "chat", "doctor", "replay"):
        row = next(line for line in text.splitlines() if line.startswith(f"| `talkwire {command}"))
        told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
        assert all(option in told for option in re.findall(r"--[a-z-]+", row))


@pytest.mark.parametrize("name", READMES)
def test_make_targets_that_are_named_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")

    named = set(re.findall(r"make ([a-z]+)`", (ROOT / name).read_text("utf-8"))) | {"run", "test"}
    assert all(f"\n{target}:" in makefile for target in named)


@pytest.mark.parametrize("name", READMES)
def test_variables_that_are_named_exist(name: str) -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=1)?`", (ROOT / name).read_text("utf-8")))

    known = set(FROZEN_NAMES) | {
        "TALKWIRE_API_KEY",
        "TALKWIRE_DATA_DIR",
        "TALKWIRE_TURNS__ON_LOST",
        "LANG",
        "SIGHUP",
        "SIGTERM",
        "TEST_DATABASE_URL",
        "TEST_REDIS_URL",
        "POST",
    }
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8"))
    for target, anchor in links:
        there = (page.parent / target).resolve() if target else page
        if there == ROOT / GENERATED:
            continue
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings]
            assert anchor in slugs, anchor
