"""A model provider that refuses what strict ones refuse: calls and results that are not paired.

Speaks both of OpenAI's APIs over a real socket and does what the last prompt says, for example
`orders={"rounds": [[["clock", {}]], [["act", {"n": 1}]]], "words": 3}`: one round of calls after
the other, each call with its arguments, and then the answer `w0 w1 w2 `. `"said"` is said before
the calls of each round. It keeps nothing between questions: how far the conversation has come is
read from its messages. What it refused is in `refusals`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.listening import Listening

_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_ORDERS = re.compile(r"orders=(\{.*\})", re.S)
_numbers = itertools.count(1)


class Refused(Exception):
    """What is wrong with a conversation."""


@dataclass(frozen=True)
class Said:
    """One message of a conversation, whichever API it came by."""

    role: str
    text: str = ""
    calls: tuple[str, ...] = ()
    answers: str | None = None


@dataclass
class Question:
    """One request: what it asks for, and how far it has come."""

    api: str
    body: Any
    messages: list[Said]
    orders: dict[str, Any]
    round: int
    words: int  # the first one of the answer that has not been said yet
    came_at: float = field(default_factory=time.monotonic)
    answered: bool = False  # all of the answer is on its way

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The calls of this round; none when the answer is due."""
        rounds = self.orders.get("rounds", ())
        return [tuple(each) for each in rounds[self.round]] if self.round < len(rounds) else []


class Strict(Listening):
    """`async with Strict() as provider`: `provider.model("chat")` is an entry for `models:`.

    `hold` is asked at the points `asked` (before a first byte) and `half` (in the midst of a call
    or of the answer) of each round, and does not return for as long as the provider is to wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Question] = []
        self.refusals: list[str] = []

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def model(self, api: str, **settings: Any) -> dict[str, Any]:
        """The model of this API, `chat` or `responses`, by the name of the API."""
        given = {"name": api, "provider": f"openai-{api}", "base_url": self.url}
        return {**given, "api_key": "sk-canary-9c1d", "upstream_model": "strict-1", **settings}

    async def hold(self, question: Question, point: str) -> None:
        """For those who stop it: see the class."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.I)
        body = json.loads(await reader.readexactly(int(length.group(1)))) if length else {}
        path = head.split(" ")[1].removeprefix("/v1")
        if path == "/models":
            listed = {"object": "list", "data": [{"id": "strict-1", "object": "model"}]}
            await _whole(writer, 200, listed)
            return
        try:
            question = read(path, body)
        except Refused as why:
            self.refusals.append(str(why))
            await _whole(writer, 400, {"error": {"message": str(why), "code": "bad_conversation"}})
            return
        self.questions.append(question)
        answering = asyncio.create_task(self._answer(question, writer))
        # Nothing more is asked on this connection: a read ends when the other side closes it.
        watching = asyncio.create_task(reader.read())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            watching.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    async def _answer(self, question: Question, writer: asyncio.StreamWriter) -> None:
        await self.hold(question, "asked")
        writer.write(_STREAM)
        pieces = list(_chat(question) if question.api == "chat" else _responses(question))
        for number, piece in enumerate(pieces):
            if number == len(pieces) // 2:
                await self.hold(question, "half")
            writer.write(piece)
            await writer.drain()
            if pace_ms := question.orders.get("pace_ms"):
                await asyncio.sleep(pace_ms / 1000)
        question.answered = True


def read(path: str, body: Any) -> Question:
    """A request understood. :raises Refused: a strict provider would not take it."""
    if path == "/chat/completions":
        api, messages = "chat", [_of_chat(each) for each in body["messages"]]
        last_may_be_partial = bool(body.get("continue_final_message"))
    elif path == "/responses":
        api, messages = "responses", _of_responses(body["input"])
        last_may_be_partial = False
    else:
        raise Refused(f"there is no {path}")
    check(messages)
    if messages[-1].role == "assistant" and not last_may_be_partial:
        raise Refused("the last message is the model's own")
    last = max((n for n, each in enumerate(messages) if _ORDERS.search(each.text)), default=-1)
    found = _ORDERS.search(messages[last].text)
    since = messages[last + 1 :]
    heard = [int(word) for word in re.findall(r"w(\d+) ", "".join(each.text for each in since))]
    return Question(
        api,
        body,
        messages,
        json.loads(found.group(1)) if found else {},
        sum(1 for each in since if each.calls),
        max(heard, default=-1) + 1,
    )


def check(messages: list[Said]) -> None:
    """Each call has its result right behind it, each result its call, and nothing is empty.

    :raises Refused: it is not so.
    """
    if not messages:
        raise Refused("there are no messages")
    due: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.answers not in due:
                raise Refused(f"a result of {message.answers!r}, of which no call is open")
            due.remove(message.answers)
            continue
        if due:
            raise Refused(f"calls without a result: {', '.join(due)}")
        if len(set(message.calls)) != len(message.calls):
            raise Refused(f"one id for two calls: {', '.join(message.calls)}")
        if not message.text and not message.calls:
            raise Refused(f"an empty message of {message.role}")
        due = list(message.calls)
    if due:
        raise Refused(f"calls without a result: {', '.join(due)}")


def _of_chat(message: dict[str, Any]) -> Said:
    asked = message.get("tool_calls")
    if asked == []:
        raise Refused("an empty list of calls")
    for call in asked or ():
        _arguments(call["function"]["arguments"])
    calls = tuple(call["id"] for call in asked or ())
    content = message.get("content")
    if message["role"] not in ("system", "user", "assistant", "tool"):
        raise Refused(f"there is no role {message['role']!r}")
    return Said(message["role"], content or "", calls, message.get("tool_call_id"))


def _of_responses(items: list[dict[str, Any]]) -> list[Said]:
    """Calls that stand together, and the text before them, are one message."""
    messages: list[Said] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call":
            _arguments(item["arguments"])
            before = messages[-1] if messages else Said("user")
            is_on = before.role == "assistant"
            text, calls = (before.text, before.calls) if is_on else ("", ())
            messages[len(messages) - is_on :] = [Said("assistant", text, (*calls, item["call_id"]))]
        elif kind == "function_call_output":
            if not isinstance(item["output"], str):
                raise Refused("a result that is no text")
            messages.append(Said("tool", item["output"], answers=item["call_id"]))
        elif kind == "message":
            messages.append(Said(item["role"], item["content"]))
        else:
            raise Refused(f"there is no item {kind!r}")
    return messages


def _arguments(text: str) -> None:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(f"arguments that are no object: {text!r}")


def _words(question: Question) -> Iterator[str]:
    if question.calls:
        if said := question.orders.get("said"):
            yield said
    else:
        yield from (f"w{k} " for k in range(question.words, question.orders.get("words", 1)))


def _called(question: Question) -> list[tuple[str, str, str]]:
    """Id, name and arguments."""
    return [(f"call_{next(_numbers)}", name, json.dumps(given)) for name, given in question.calls]


def _chat(question: Question) -> Iterator[bytes]:
    for word in _words(question):
        yield _chunk({"content": word})
    called = _called(question)
    for index, (call_id, name, given) in enumerate(called):
        function = {"name": name, "arguments": ""}
        begun = {"index": index, "id": call_id, "type": "function", "function": function}
        yield _chunk({"tool_calls": [begun]})
        yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": given}}]})
    yield _chunk({}, "tool_calls" if called else "stop")
    yield b"data: [DONE]\n\n"


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _frame({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]})


def _responses(question: Question) -> Iterator[bytes]:
    for word in _words(question):
        yield _event("output_text.delta", output_index=0, delta=word)
    for index, (call_id, name, given) in enumerate(_called(question), 1):
        item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": ""}
        yield _event("output_item.added", output_index=index, item=item)
        yield _event("function_call_arguments.delta", output_index=index, delta=given)
        yield _event("function_call_arguments.done", output_index=index, arguments=given)
        yield _event("output_item.done", output_index=index, item=item | {"arguments": given})
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    yield _event("completed", response={"id": "resp_1", "status": "completed", "usage": usage})


def _event(kind: str, **fields: Any) -> bytes:
    kind = f"response.{kind}"
    return f"event: {kind}\n".encode() + _frame({"type": kind, **fields})


def _frame(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


async def _whole(writer: asyncio.StreamWriter, status: int, data: Any) -> None:
    body = json.dumps(data).encode()
    writer.write(
        b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%b" % (status, len(body), body)
    )
    await writer.drain()
