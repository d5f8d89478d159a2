"""A model of this server as Agno asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from agno.models.message import Message as AgnoMessage

from talkwire.canon.deltas import Finish, Hear, Text
from talkwire.canon.errors import UpstreamUnavailable
from talkwire.canon.turn import Call, ModelRequest
from talkwire.models._agno_model import AHEAD, Asking, ServerModel, asked, given
from tests.models.hands import FakeHands, Says, by_model, user

MESSAGES = [AgnoMessage(role="user", content="Hi")]
ANSWER = AgnoMessage(role="assistant")
TOOL = {"type": "function", "function": {"name": "clock", "description": "Time."}}


def model(*says: Says, **more: Any) -> tuple[ServerModel, FakeHands]:
    hands = FakeHands(by_model(small=says))
    return ServerModel(id="small", asking=Asking(hands.ask, **more)), hands


async def test_text_comes_as_it_is_said_and_calls_come_whole() -> None:
    made, _ = model("a", "b", Call("1", "clock", "{}"))

    pieces = [piece async for piece in made.ainvoke_stream(MESSAGES, ANSWER)]

    assert [piece.content for piece in pieces] == ["a", "b", None]
    function = {"name": "clock", "arguments": "{}"}
    assert pieces[-1].tool_calls == [{"id": "1", "type": "function", "function": function}]
    whole = await made.ainvoke(MESSAGES, ANSWER)
    assert (whole.content, whole.tool_calls) == ("ab", pieces[-1].tool_calls)


async def test_a_failure_is_kept_for_who_ends_the_run() -> None:
    made, hands = model("a", UpstreamUnavailable("down"))

    with pytest.raises(UpstreamUnavailable):
        _ = [piece async for piece in made.ainvoke_stream(MESSAGES, ANSWER)]

    assert made.asking is not None
    assert isinstance(made.asking.failure, UpstreamUnavailable)
    assert made.asking.fatal is None
    assert hands.open == 0


async def test_who_does_not_listen_on_ends_the_question() -> None:
    made, hands = model("a", asyncio.Event())

    stream = made.ainvoke_stream(MESSAGES, ANSWER)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator

    assert hands.open == 0


async def test_a_model_waits_for_an_agent_that_falls_behind() -> None:
    waited: list[bool] = []

    async def ask(name: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        for _ in range(3 * AHEAD):
            wait = hear([Text("x")])
            waited.append(wait is not None)
            if wait is not None:
                await wait
        return ()

    made = ServerModel(id="small", asking=Asking(ask))

    pieces = [piece async for piece in made.ainvoke_stream(MESSAGES, ANSWER)]

    assert len(pieces) == 3 * AHEAD
    assert waited.count(True) == 3


async def test_the_end_waits_until_all_was_heard() -> None:
    order: list[str] = []

    async def ask(name: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        hear([Text("a")])
        wait = hear([Text("b"), Finish("stop")])
        assert wait is not None
        await wait
        order.append("counted")
        return ()

    made = ServerModel(id="small", asking=Asking(ask))
    async for piece in made.ainvoke_stream(MESSAGES, ANSWER):
        await asyncio.sleep(0)
        order.append(str(piece.content))

    assert order == ["a", "b", "counted"]


async def test_tools_are_offered_for_so_many_rounds() -> None:
    made, hands = model("a", max_rounds=1)

    for _ in range(2):
        _ = [piece async for piece in made.ainvoke_stream(MESSAGES, ANSWER, tools=[TOOL])]

    assert [len(request.tools) for _, request in hands.asked] == [1, 0]


def test_it_is_not_asked_from_a_thread() -> None:
    made, _ = model()

    for ask in (made.invoke, made.invoke_stream):
        with pytest.raises(NotImplementedError):
            ask()


def test_messages_come_and_go_unchanged() -> None:
    calls = (Call("1", "clock", '{"a":1}'),)
    said = [
        AgnoMessage(role="system", content="Be brief."),
        AgnoMessage(role="developer", content="Be kind."),
        given(user("Hi")),
        AgnoMessage(
            role="assistant",
            tool_calls=[{"id": "1", "function": {"name": "clock", "arguments": {"a": 1}}}],
        ),
        AgnoMessage(role="tool", content="noon", tool_call_id="1"),
    ]

    request = asked("small", said, [TOOL, {"type": "web_search"}])

    assert request.instructions == "Be brief.\n\nBe kind."
    assert [message.role for message in request.messages] == ["user", "assistant", "tool"]
    assert [call.name for call in request.messages[1].calls] == [calls[0].name]
    assert request.messages[2].call_id == "1"
    assert [tool.name for tool in request.tools] == ["clock"]
    assert given(request.messages[1]).tool_calls is not None


def test_a_copy_asks_for_the_same_run() -> None:
    made, _ = model()
    copies: Sequence[ServerModel] = [deepcopy(made)]

    assert copies[0].asking is made.asking
    assert copies[0].get_provider() == "talkwire"
