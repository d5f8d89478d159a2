"""The page about tools: its code is loaded as a module, and its calls give what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from talkwire import settings
from talkwire.canon.tools import CallContext
from talkwire.tools.builtin import builtin
from talkwire.tools.functions import CONSTANTS, FUNCTIONS
from talkwire.tools.modules import load
from talkwire.tools.union import Joined

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text("utf-8")
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE, re.DOTALL)
CALL = re.compile(r"^> (\w+) (\{.*\})\n((?:(?!> ).*\n)+)", re.MULTILINE)
ALICE = CallContext("alice", "s1", "t1", "c1")


def _examples() -> list[tuple[str, str]]:
    """Each block of calls with the code above it; with none, the tools are built in."""
    code, examples = "", []
    for kind, text in BLOCKS:
        if kind == "python":
            code = text
        else:
            examples.append((code, text))
            code = ""
    return examples


@pytest.mark.parametrize(("code", "calls"), _examples())
async def test_the_calls_on_the_page_give_what_it_says(
    code: str, calls: str, tmp_path: Path
) -> None:
    sources = [builtin(clock=True, calculator=True)]
    if code:
        path = tmp_path / "tools.py"
        path.write_text(code, "utf-8")
        sources = load(str(path), tmp_path)
    tools = Joined(sources)
    found = CALL.findall(calls)

    assert len(found) == calls.count("> ")
    for name, arguments, told in found:
        answer = await tools.call(name, json.loads(arguments), ALICE, lambda _: None)
        given = ("error: " if answer.is_error else "") + answer.result
        told = told.removesuffix("\n")
        assert given.startswith(told[:-1]) if told.endswith("…") else given == told


def test_all_code_on_the_page_is_called() -> None:
    assert sum(kind == "python" for kind, _ in BLOCKS) == sum(bool(code) for code, _ in _examples())


def test_the_page_names_every_function_of_the_calculator() -> None:
    listed = PAGE.partition("### `calculator`")[2].partition("```")[0]

    named = set(re.findall(r"`(\w+)`", listed))
    assert named == {*FUNCTIONS, *CONSTANTS}


def test_the_configuration_on_the_page_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found = []
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block, "utf-8")
        found.append(settings.load(path))

    module, approvals, builtins = found
    assert module.tools.module == "my_company.tools"
    assert approvals.tools.approve == ("fetch", "shop.refund")
    assert approvals.mcpServers["files"].requires_approval == "destructive"
    on = ("clock", "calculator", "fetch")
    assert builtins.tools.builtin.model_dump() == dict.fromkeys(on, True)
