"""What agents in tests can do: a model that a test writes, and tools that it knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence

from talkwire.canon.deltas import Delta, Hear, Text
from talkwire.canon.tools import Tool, ToolAnswer
from talkwire.canon.turn import Call, Message, ModelRequest, text_message

CLOCK = Tool(
    "the.clock", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}}
)
Says = str | Call | asyncio.Event | BaseException
Answer = Callable[[str, ModelRequest], Sequence[Says]]


class FakeHands:
    """Fits `Hands`. `asked` are the questions, with the name of their model; `open` how many are
    being answered.
    """

    def __init__(self, answer: Answer) -> None:
        self.asked: list[tuple[str, ModelRequest]] = []
        self.called: list[tuple[str, str]] = []
        self.open = 0
        self._answer = answer

    async def ask(self, model: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        self.asked.append((model, request))
        calls: list[Call] = []
        self.open += 1
        try:
            for said in self._answer(model, request):
                if isinstance(said, str):
                    if (wait := hear([Text(said)])) is not None:
                        await wait
                    await asyncio.sleep(0)
                elif isinstance(said, Call):
                    calls.append(said)
                elif isinstance(said, BaseException):
                    raise said
                else:
                    await said.wait()
        finally:
            self.open -= 1
        return tuple(calls)

    def offered(self) -> Mapping[str, Tool]:
        return {"the_clock": CLOCK}

    async def call(self, name: str, arguments: str) -> ToolAnswer:
        self.called.append((name, arguments))
        return ToolAnswer("noon")


def by_model(**answers: Sequence[Says]) -> Answer:
    """Each model's first answer is as given; after a tool has returned it says `Done.`"""

    def answer(model: str, request: ModelRequest) -> Sequence[Says]:
        returned = request.messages[-1].role == "tool"
        return ["Done", "."] if returned else answers[model]

    return answer


def delegate(member: str, task: str) -> Call:
    """What has a team's leader hand a task on."""
    arguments = json.dumps({"member_id": member, "task": task})
    return Call("d1", "delegate_task_to_member", arguments)


def said(deltas: Sequence[Delta]) -> str:
    """The text."""
    return "".join(each.text for each in deltas if type(each) is Text)


def user(text: str) -> Message:
    """A message of the user's."""
    return text_message("", "user", text)
