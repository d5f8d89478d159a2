"""The tools of a help desk, as a client calls them."""

from __future__ import annotations

import pytest

from tests.cases.turns import CASES, SESSION, TURN
from tests.wires.mcp.desk import Scenarios, setting

DESK = {"ask_support", "list_scenarios"}


async def test_they_are_offered_where_there_is_a_desk() -> None:
    async with setting(scenarios=Scenarios()) as here:
        (offered,) = await here.ask("tools/list", {})
    async with setting() as without:
        (others,) = await without.ask("tools/list", {})
        refused = await without.call("ask_support", query="Where is it?")

    names = {tool["name"] for tool in offered["result"]["tools"]}
    assert names - {tool["name"] for tool in others["result"]["tools"]} == DESK
    assert "no tool 'ask_support'" in refused["message"]


async def test_a_question_is_answered_from_its_scenario() -> None:
    async with setting(CASES["scene_answer"], scenarios=Scenarios()) as here:
        given = await here.call(
            "ask_support",
            query="Where is it?",
            session_id=SESSION,
            category="Money",
            facts={"order_id": 7},
        )

    told = given["structuredContent"]
    assert given["content"] == [{"type": "text", "text": told["text"]}]
    assert (told["session_id"], told["turn_id"], told["move"]) == (SESSION, TURN, "answer")
    assert told["subcategory"]
    (turn,) = here.turns.asked
    assert (turn.text, turn.wire, turn.prompt) == ("Where is it?", "mcp", "support")
    assert (turn.scenario, turn.category, turn.facts) == ("", "Money", '{"order_id":7}')


@pytest.mark.parametrize(
    ("category", "names"),
    [("", ["1 Late Flow", "1 Lost Flow"]), ("Money", ["1 Late Flow"]), ("Elsewhere", [])],
)
async def test_scenarios_are_listed_by_category(category: str, names: list[str]) -> None:
    async with setting(scenarios=Scenarios()) as here:
        given = await here.call("list_scenarios", category=category)

    found = given["structuredContent"]["scenarios"]
    assert [each["subcategory"] for each in found] == names


async def test_arguments_that_do_not_fit_start_nothing() -> None:
    async with setting(scenarios=Scenarios()) as here:
        for arguments in ({}, {"query": ""}, {"query": "x", "facts": {"a": []}}):
            given = await here.call("ask_support", **arguments)
            assert given["isError"] is True

    assert here.turns.asked == []
