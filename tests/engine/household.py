"""A world whose tools ask a person first, and what is looked for in its turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from talkwire.canon.deltas import CallPiece, Finish, Text
from talkwire.canon.events import AnyEvent, ToolApprovalRequested, ToolFinished
from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Message
from tests.engine.fakes import OWNER, Act, ScriptedModel, World

Hear = Callable[[str], None]


class Household:
    """`look` runs at once, `sell` and `burn` when a person agrees; `burn` never ends."""

    def __init__(self) -> None:
        schema = {"type": "object", "required": ["what"]}
        self.tools = [
            Tool("look"),
            Tool("sell", input_schema=schema, requires_approval=True),
            Tool("burn", requires_approval=True),
        ]
        self.ran: list[tuple[str, dict[str, Any]]] = []

    def offered(self) -> Sequence[Tool]:
        return self.tools

    async def call(
        self, name: str, arguments: dict[str, Any], context: CallContext, hear: Hear
    ) -> ToolAnswer:
        self.ran.append((name, arguments))
        if name == "burn":
            await asyncio.Event().wait()
        return ToolAnswer(f"{name} done")

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def calls(*asked: tuple[str, str], text: str = "") -> list[Act]:
    """A model's answer that is calls, each a name and its arguments; ids count from 0 each time."""
    pieces = [CallPiece(n, f"call_{n}", name, args) for n, (name, args) in enumerate(asked)]
    return [[Text(text)] if text else [], pieces, [Finish("stop")]]


def household(*answers: Sequence[Act], **more: Any) -> tuple[World, Household]:
    tools = Household()
    return World(ScriptedModel(*answers), tools=tools, **more), tools


SELL = ("sell", '{"what":"car"}')


async def told(world: World, turn_id: str) -> list[AnyEvent]:
    return [stamped.event for stamped in await world.events(turn_id)]


def waiting(events: Sequence[AnyEvent]) -> list[str]:
    return [event.call_id for event in events if isinstance(event, ToolApprovalRequested)]


def results(events: Sequence[AnyEvent]) -> list[ToolFinished]:
    return [event for event in events if isinstance(event, ToolFinished)]


async def decided(world: World, call_id: str, approve: bool = True, **more: Any) -> list[AnyEvent]:
    started = await world.turns.decide(OWNER, call_id, approve=approve, **more)
    return await told(world, started.record.turn_id)


def is_sound(messages: Sequence[Message]) -> bool:
    """What a strict provider takes: right behind calls their results, and none elsewhere."""
    due: list[str] = []
    for message in messages:
        if message.role == "tool":
            if not due or message.call_id != due.pop(0):
                return False
        elif due:
            return False
        due = due or [call.call_id for call in message.calls]
    return not due
