"""The OpenAI Responses API as it streams. Source: openai-openapi, ResponseStreamEvent.

Only `response.completed` and `response.incomplete` end an answer: a stream without either was cut.
Nothing is stored upstream (`store: false`): the history is always sent whole.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Text, Tokens
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.turn import FinishReason, Message, ModelRequest
from talkwire.models import _faults
from talkwire.models._asked import CARRY_ON, described, has_no_schemas, named
from talkwire.models._reading import Reading


class _Item(Struct):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Why(Struct):
    reason: str | None = None


class _Response(Struct):
    usage: _Usage | None = None
    incomplete_details: _Why | None = None
    error: dict[str, Any] | str | None = None


class _Event(Struct):
    type: str = ""
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    output_index: int | None = None
    summary_index: int | None = None
    item: _Item | None = None
    response: _Response | None = None
    error: dict[str, Any] | str | None = None
    code: str | int | None = None


class _Type(Struct):
    type: str = ""


class _Word(Struct, gc=False):
    """What nearly every event is: reading two fields of it costs half of reading all."""

    type: str = ""
    delta: str | None = None


_decoder = msgspec.json.Decoder(_Event)
_type_decoder = msgspec.json.Decoder(_Type)
_decode_word = msgspec.json.Decoder(_Word).decode
_decode_words = msgspec.json.Decoder(list[_Word]).decode
_encode = msgspec.json.Encoder().encode

_SAID: dict[str, type[Text] | type[Reasoning]] = {
    "response.output_text.delta": Text,
    "response.refusal.delta": Text,
    "response.reasoning_text.delta": Reasoning,
    "response.reasoning_summary_text.delta": Reasoning,
}
_WHOLE: dict[str, type[Text] | type[Reasoning]] = {
    "response.output_text.done": Text,
    "response.refusal.done": Text,
}
_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")
_CALL_DELTA = "response.function_call_arguments.delta"


class ResponsesCodec:
    """See `Codec`."""

    path = "/responses"

    def __init__(self) -> None:
        self._ask_schema = True

    def body(self, request: ModelRequest) -> bytes:
        """The request as JSON."""
        body: dict[str, object] = {
            "model": request.model,
            "input": _input(request),
            "stream": True,
            "store": False,
        }
        if request.instructions:
            body["instructions"] = request.instructions
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_output_tokens is not None:
            body["max_output_tokens"] = request.max_output_tokens
        if request.tools:
            body["tools"] = [{"type": "function", **described(tool)} for tool in request.tools]
        if request.schema is not None and self._ask_schema:
            body["text"] = {"format": {"type": "json_schema", **named(request.schema)}}
        return _encode(body)

    def reading(self) -> ResponsesReading:
        """A reader for one stream."""
        return ResponsesReading()

    def learn(self, rejection: str) -> bool:
        """Give schemas up."""
        if self._ask_schema and has_no_schemas(rejection):
            self._ask_schema = False
            return True
        return False


class ResponsesReading(Reading[_Event]):
    """One stream of response events."""

    ahead = b"event: response.output_text.delta\ndata: "

    def __init__(self) -> None:
        super().__init__(_decoder)
        self._finish: FinishReason | None = None
        self._usage: Tokens | None = None
        self._heard = False

    def word(self, data: bytes) -> str | None:
        """The text of an output delta."""
        try:
            event = _decode_word(data)
        except (ValueError, RecursionError):
            return None
        if event.type != "response.output_text.delta":
            return None
        self._heard = True
        return event.delta

    def words(self, array: bytes) -> list[str] | None:
        """The texts of output deltas."""
        try:
            events = _decode_words(array)
        except (ValueError, RecursionError):
            return None
        words = [
            event.delta
            for event in events
            if event.delta and event.type == "response.output_text.delta"
        ]
        if len(words) != len(events):
            return None
        self._heard = True
        return words

    def event(self, name: bytes, event: _Event) -> None:
        """One event; those without a meaning here are counted."""
        kind = event.type
        said = _SAID.get(kind)
        if said is not None:
            if event.delta:
                self._heard = True
                self.say(said, event.delta)
        elif kind in _TERMINAL or name == b"error":
            self._terminal(kind, event)
        else:
            self._rare(kind, event)

    def closed(self) -> None:
        """`[DONE]` means nothing in this API, but nothing follows it either."""
        self.error = None if self.done else UpstreamIncomplete("The model's answer was cut off.")

    def end(self) -> list[Delta]:
        """Usage and `Finish`."""
        if self._finish is None:
            raise UpstreamIncomplete("The model's answer was cut off.")
        finish = Finish(self._finish)
        return [finish] if self._usage is None else [self._usage, finish]

    def misfit(self, data: bytes) -> bool:
        """Events of other families may use the same field names in other ways."""
        try:
            kind = _type_decoder.decode(data).type
        except ValueError:
            return False
        return kind not in _SAID and kind not in _TERMINAL and kind != ""

    def _rare(self, kind: str, event: _Event) -> None:
        index = event.output_index or 0
        if kind == _CALL_DELTA:
            self._heard = True
            self.put(CallPiece(index, arguments=event.delta or ""))
        elif kind == "response.output_item.added":
            self._heard = False
            if (item := event.item) is not None and item.type == "function_call":
                call_id, name, given = item.call_id or "", item.name or "", item.arguments or ""
                self._heard = bool(given)
                self.put(CallPiece(index, call_id=call_id, name=name, arguments=given))
        elif kind == "response.content_part.added":
            self._heard = False
        elif kind == "response.reasoning_summary_part.added":
            if event.summary_index:
                self.say(Reasoning, "\n\n")
        elif kind in _WHOLE or kind == "response.function_call_arguments.done":
            self._whole(kind, event, index)
        elif not kind.startswith("response."):
            self.unknown += 1

    def _whole(self, kind: str, event: _Event, index: int) -> None:
        """Some servers send no deltas for short pieces: then the whole counts."""
        if not self._heard:
            if kind not in _WHOLE:
                self.put(CallPiece(index, arguments=event.arguments or ""))
            elif whole := event.text or event.refusal:
                self.say(_WHOLE[kind], whole)
        self._heard = False

    def _terminal(self, kind: str, event: _Event) -> None:
        response = event.response or _Response()
        if kind not in ("response.completed", "response.incomplete"):
            flat = {"code": event.code, "type": None if kind == "error" else kind}
            self.error = _faults.of_frame(response.error or event.error or flat)
            return
        why = response.incomplete_details
        cut: FinishReason = (
            "content_filter" if why is not None and why.reason == "content_filter" else "length"
        )
        self._finish = "stop" if kind == "response.completed" else cut
        usage = response.usage
        if usage and usage.input_tokens is not None and usage.output_tokens is not None:
            self._usage = Tokens(usage.input_tokens, usage.output_tokens)
        self.finishing = self.done = True


def _input(request: ModelRequest) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    for message in request.messages:
        items += _items(message)
    if request.partial:
        items.append({"role": "assistant", "content": request.partial})
        items.append({"role": "user", "content": CARRY_ON})
    return items


def _items(message: Message) -> list[dict[str, object]]:
    if message.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.call_id,
                "output": message.text,
            }
        ]
    items: list[dict[str, object]] = []
    if message.text:
        items.append({"role": message.role, "content": message.text})
    items += [
        {
            "type": "function_call",
            "call_id": call.call_id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in message.calls
    ]
    return items
