"""A model of this server as Agno knows models. Importing this imports Agno: see `agno`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agno.models.base import Model
from agno.models.message import Message as AgnoMessage
from agno.models.response import ModelResponse

from talkwire.canon.deltas import Delta, Finish, Hear, Reasoning, Text
from talkwire.canon.errors import ModelError, TalkwireError, UpstreamIncomplete
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Call, Message, ModelRequest, TextPart
from talkwire.models._agno_events import OURS

AHEAD = 64
"""So many reads a model may be ahead of the agent that hears it."""

Ask = Callable[[str, ModelRequest, Hear], Coroutine[Any, Any, tuple[Call, ...]]]
T = TypeVar("T")


@dataclass
class Asking:
    """What all models of one run share. `failure` is the last one of a model; `fatal` one that ends
    the turn, whatever the agent makes of it.

    What is begun for the run is owned here: Agno lets members run on whose team was cancelled.
    """

    ask: Ask
    max_rounds: int = 10
    failure: TalkwireError | None = None
    fatal: TalkwireError | None = None
    ended: bool = field(default=False, init=False)
    _begun: set[asyncio.Future[Any]] = field(default_factory=set, init=False)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Do something for as long as the run lasts.

        :raises UpstreamIncomplete: it is over already.
        """
        if self.ended:
            work.close()
            raise UpstreamIncomplete("The run of the agent is over.")
        begun = asyncio.ensure_future(work)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        return begun

    async def end(self) -> None:
        """Nothing is done for the run any more."""
        self.ended = True
        begun = list(self._begun)
        for each in begun:
            each.cancel()
        if begun:
            await asyncio.wait(begun)


@dataclass
class ServerModel(Model):
    """Asks through `asking`; `id` is the model's name here. One for each agent of a run: after
    `max_rounds` questions it is offered no tools, so that it has to answer.
    """

    asking: Asking | None = None
    provider: str | None = OURS
    asked: int = field(default=0, init=False)

    async def ainvoke_stream(
        self,
        messages: list[AgnoMessage],
        assistant_message: AgnoMessage,
        tools: list[dict[str, Any]] | None = None,
        **_: Any,
    ) -> AsyncIterator[ModelResponse]:
        """What Agno calls to have a model answer."""
        if self.asking is None:
            raise RuntimeError("a model that was made for no run")
        self.asked += 1
        offered = tools if self.asked <= self.asking.max_rounds else None
        request = asked(self.id, messages, offered or [])
        talk = _Talk(self.asking, self.id, request)
        try:
            async with aclosing(talk.pieces()) as pieces:
                async for response in pieces:
                    yield response
        except TalkwireError as error:
            self.asking.failure = error
            if not isinstance(error, ModelError):
                self.asking.fatal = error
            raise

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The same, whole."""
        words: list[str] = []
        calls: list[dict[str, Any]] = []
        async for piece in self.ainvoke_stream(*args, **kwargs):
            words.append(piece.content or "")
            calls += piece.tool_calls
        return ModelResponse(role="assistant", content="".join(words), tool_calls=calls)

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Not from a thread: the turn lives in the event loop."""
        raise NotImplementedError("This model is asked asynchronously only.")

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """As `invoke`."""
        raise NotImplementedError("This model is asked asynchronously only.")

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        raise NotImplementedError

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> ServerModel:
        return ServerModel(id=self.id, name=self.name, asking=self.asking)


class _Talk:
    """One question: what the model tells is taken up by whoever goes through `pieces`."""

    def __init__(self, run: Asking, model: str, request: ModelRequest) -> None:
        self._asking = run.begin(run.ask(model, request, self._hear))
        self._told: list[Delta] = []
        self._reads = 0
        self._news = asyncio.Event()
        self._taken = asyncio.Event()
        self._asking.add_done_callback(lambda _: self._news.set())

    async def pieces(self) -> AsyncGenerator[ModelResponse, None]:
        """All of it, to the end. :raises TalkwireError: see `Hands.ask`."""
        try:
            while True:
                if not self._told:
                    self._taken.set()
                await self._news.wait()
                self._news.clear()
                told, self._told, self._reads = self._told, [], 0
                for delta in told:
                    if isinstance(delta, Text):
                        yield ModelResponse(content=delta.text)
                    elif isinstance(delta, Reasoning):
                        yield ModelResponse(reasoning_content=delta.text)
                if self._asking.done() and not self._told:
                    break
            if calls := self._asking.result():
                yield ModelResponse(tool_calls=[_call(each) for each in calls])
        finally:
            self._asking.cancel()
            with suppress(asyncio.CancelledError, TalkwireError):
                await self._asking

    def _hear(self, deltas: Sequence[Delta]) -> Awaitable[object] | None:
        self._told += deltas
        self._reads += 1
        self._news.set()
        # The end waits until all was heard, so that what was used is told after what was said.
        if self._reads < AHEAD and not any(isinstance(each, Finish) for each in deltas):
            return None
        self._taken.clear()
        return self._taken.wait()


def asked(
    model: str, messages: Sequence[AgnoMessage], tools: Sequence[dict[str, Any]]
) -> ModelRequest:
    """What Agno would ask of a model, as a request."""
    said = [message for message in messages if message.role not in ("system", "developer")]
    told = [each for each in messages if each.role in ("system", "developer")]
    return ModelRequest(
        model=model,
        messages=tuple(_message(message) for message in said),
        instructions="\n\n".join(each.get_content_string() for each in told),
        tools=tuple(_tool(each["function"]) for each in tools if "function" in each),
    )


def given(message: Message) -> AgnoMessage:
    """A message as Agno has it."""
    return AgnoMessage(
        role=message.role,
        content=message.text or None,
        tool_calls=[_call(each) for each in message.calls] or None,
        tool_call_id=message.call_id,
    )


def _message(message: AgnoMessage) -> Message:
    text = message.get_content_string()
    return Message(
        id="",
        role="assistant" if message.role == "assistant" else _role(message.role),
        parts=(TextPart(text),) if text else (),
        calls=tuple(_called(each) for each in message.tool_calls or ()),
        call_id=message.tool_call_id,
    )


def _role(role: str) -> Any:
    return "tool" if role == "tool" else "user"


def _called(call: dict[str, Any]) -> Call:
    function = call.get("function") or {}
    arguments = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return Call(str(call.get("id") or ""), str(function.get("name") or ""), text)


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function}


def _tool(function: dict[str, Any]) -> Tool:
    schema = function.get("parameters") or {"type": "object"}
    return Tool(str(function["name"]), str(function.get("description") or ""), schema)
