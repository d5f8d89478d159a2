"""OpenAI Chat Completions, as OpenAI and the many servers that imitate it stream it.

Source: openai-openapi, CreateChatCompletionStreamResponse; what imitators add or leave out is
told where it is met. Either a finish_reason or `[DONE]` ends an answer; neither is a cut.
"""

from __future__ import annotations

import msgspec

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Text, Tokens
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.turn import FinishReason, Message, ModelRequest
from talkwire.models import _faults
from talkwire.models._asked import CARRY_ON, described, has_no_schemas, named
from talkwire.models._chunks import Chunk, Counted, Function, Piece, Said, ToolCall, word
from talkwire.models._reading import Reading

# What servers that can carry a half-written message on want to be told: vLLM, DeepSeek.
PREFILL_BODY = {"continue_final_message": True, "add_generation_prompt": False}
PREFILL_MESSAGE = {"prefix": True}

FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


_decoder = msgspec.json.Decoder(Chunk)
_decode = _decoder.decode
_decode_many = msgspec.json.Decoder(list[Chunk]).decode
_encode = msgspec.json.Encoder().encode


class ChatCodec:
    """See `Codec`. What a server rejects is remembered and not asked for again."""

    path = "/chat/completions"

    def __init__(self, continuation: str = "none") -> None:
        self._prefill = continuation == "prefill"
        self._ask_usage = True
        self._ask_schema = True
        self._limit_field = "max_tokens"

    def body(self, request: ModelRequest) -> bytes:
        """The request as JSON."""
        body: dict[str, object] = {
            "model": request.model,
            "messages": messages(request, prefill=self._prefill),
            "stream": True,
        }
        if self._ask_usage:
            body["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_output_tokens is not None:
            body[self._limit_field] = request.max_output_tokens
        if request.tools:
            tools = [{"type": "function", "function": described(tool)} for tool in request.tools]
            body["tools"] = tools
        if request.schema is not None and self._ask_schema:
            schema = {"type": "json_schema", "json_schema": named(request.schema)}
            body["response_format"] = schema
        if request.partial and self._prefill:
            body |= PREFILL_BODY
        return _encode(body)

    def reading(self) -> ChatReading:
        """A reader for one stream."""
        return ChatReading()

    def learn(self, rejection: str) -> bool:
        """Give `stream_options` or schemas up, or name the token limit as newer models want it."""
        if self._ask_usage and ("stream_options" in rejection or "include_usage" in rejection):
            self._ask_usage = False
            return True
        if self._ask_schema and has_no_schemas(rejection):
            self._ask_schema = False
            return True
        if self._limit_field == "max_tokens" and "max_completion_tokens" in rejection:
            self._limit_field = "max_completion_tokens"
            return True
        return False


class ChatReading(Reading[Chunk]):
    """One stream of chat.completion.chunk."""

    ahead = b"data: "

    def __init__(self) -> None:
        super().__init__(_decoder)
        self._finish: FinishReason | None = None
        self._usage: Tokens | None = None
        self._calls: list[tuple[str, bool]] = []  # each call's id, and whether it has a name
        self._slots: dict[int, int] = {}

    def words(self, array: bytes) -> list[str] | None:
        """The texts of chunks that hold nothing else."""
        try:
            words = [word(chunk) for chunk in _decode_many(array)]
        except (ValueError, RecursionError):
            return None
        said = [word for word in words if word]
        return said if len(said) == len(words) else None

    def word(self, data: bytes) -> str | None:
        """The text of a chunk that holds nothing else."""
        try:
            return word(_decode(data))
        except (ValueError, RecursionError):
            return None

    def event(self, name: bytes, event: Chunk) -> None:
        """One chunk."""
        if event.choices:
            choice = event.choices[0]
            if choice.delta is not None and not choice.index:
                self._delta(choice.delta)
            if choice.finish_reason:
                self._finished(choice.finish_reason)
        if event.usage is not None:
            self._count(event.usage)
        if event.error is not None or (name == b"error" and not event.choices):
            self.error = _faults.of_frame(event.error)

    def closed(self) -> None:
        """`[DONE]`: enough by itself, some servers tell no finish_reason."""
        self.done = True

    def end(self) -> list[Delta]:
        """Usage and `Finish`."""
        if self._finish is None and not self.done:
            raise UpstreamIncomplete("The model's answer was cut off.")
        finish = Finish(self._finish or "stop")
        return [finish] if self._usage is None else [self._usage, finish]

    def _delta(self, delta: Said) -> None:
        if thought := delta.reasoning_content or delta.reasoning:
            self.say(Reasoning, thought)
        content = delta.content
        if content:
            if isinstance(content, str):
                self.say(Text, content)
            else:
                self._pieces(content)
        if delta.refusal:
            self.say(Text, delta.refusal)
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._call(call)
        elif delta.function_call is not None:
            self._call(ToolCall(index=0, function=delta.function_call))

    def _pieces(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece.thinking, str):
                self.say(Reasoning, piece.thinking)
            elif piece.thinking:
                self.say(Reasoning, "".join(part.text or "" for part in piece.thinking))
            if piece.text:
                self.say(Text, piece.text)

    def _call(self, call: ToolCall) -> None:
        function = call.function or Function()
        name, call_id, arguments = function.name or "", call.id or "", function.arguments or ""
        slot = self._slot(call.index, call_id, bool(name))
        known, named = self._calls[slot]
        self._calls[slot] = (known or call_id, named or bool(name))
        self.put(
            CallPiece(
                slot,
                call_id="" if known else call_id,
                name="" if named else name,
                arguments=arguments if isinstance(arguments, str) else _encode(arguments).decode(),
            )
        )

    def _slot(self, index: int | None, call_id: str, has_name: bool) -> int:
        """Which call a piece belongs to: some servers tell no index, some say 0 for each call."""
        calls = self._calls
        if index is not None:
            slot = self._slots.get(index)
            fresh = slot is None or (call_id and calls[slot][0] and call_id != calls[slot][0])
        elif call_id:
            slot = next((n for n, (known, _) in enumerate(calls) if known == call_id), None)
            fresh = slot is None
        else:
            slot = len(calls) - 1
            fresh = not calls or (has_name and calls[slot][1])
        if slot is None or fresh:
            calls.append(("", False))
            slot = len(calls) - 1
        if index is not None:
            self._slots[index] = slot
        return slot

    def _finished(self, reason: str) -> None:
        if reason == "error":
            self.error = _faults.of_frame(None)
        elif reason == "insufficient_system_resource":  # DeepSeek: out of capacity in mid-answer
            self.error = UpstreamIncomplete("The model ran out of capacity in mid-answer.")
        else:
            self._finish = FINISH.get(reason, "stop")
            self.finishing = True

    def _count(self, usage: Counted) -> None:
        if usage.prompt_tokens is not None and usage.completion_tokens is not None:
            self._usage = Tokens(usage.prompt_tokens, usage.completion_tokens)


def messages(request: ModelRequest, *, prefill: bool) -> list[dict[str, object]]:
    """The messages of a request, as Chat Completions has them."""
    shaped: list[dict[str, object]] = []
    if request.instructions:
        shaped.append({"role": "system", "content": request.instructions})
    shaped += [_message(m) for m in request.messages if m.text or m.calls or m.role == "tool"]
    if request.partial:
        half: dict[str, object] = {"role": "assistant", "content": request.partial}
        if prefill:
            shaped.append(half | PREFILL_MESSAGE)
        else:
            shaped += [half, {"role": "user", "content": CARRY_ON}]
    return shaped


def _message(message: Message) -> dict[str, object]:
    shaped: dict[str, object] = {"role": message.role, "content": message.text}
    if message.calls:
        shaped["content"] = message.text or None
        shaped["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.role == "tool":
        shaped["tool_call_id"] = message.call_id
    return shaped
