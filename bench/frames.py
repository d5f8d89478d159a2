"""What the synthetic upstream says: OpenAI's stream frames, encoded once for each model name.

A model name is a recipe: `bench-n100-i20-b16-d50` is 100 tokens, a write each 20 ms, 16 events in
a write, 50 ms before the first. With `-t2` at its end a tool is called twice before, one call after
the other. Every token holds exactly one `~`, and nothing else does, so that tokens can be counted
in the bytes of any dialect.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Dialect = Literal["chat", "responses"]

MARK = "~"
TOOL = "noop"
RESPONSE_ID = "resp_68af3c1d0a2c8190b5e4f3a7d6c2b1a0"
ITEM_ID = "msg_68af3c1d5f9c8190a1b2c3d4e5f60718"
CREATED = 1_760_000_000

# What a codec has to get right: escapes, CJK, a surrogate pair, control characters.
WORDS = (
    " the~", " quick~", " answer~", "\n~", ' "so"~', "\\~", "你好~", "，世界~",
    " naïve~", " 😀~", "\t~", " </b>~", " 1,024~", " ご~", " e\u0301~", "\u0007~",
)  # fmt: skip

_OBFUSCATION = "sSk4wXq9LpT2vB7n"


@dataclass(frozen=True)
class Recipe:
    """How a stream behaves; times in milliseconds."""

    tokens: int
    interval_ms: int = 0
    events_per_write: int = 1
    delay_ms: int = 0
    calls: int = 0  # rounds of one tool call each before the tokens

    @property
    def name(self) -> str:
        """The model name that asks for this stream."""
        batch = f"-b{self.events_per_write}" if self.events_per_write > 1 else ""
        delay = f"-d{self.delay_ms}" if self.delay_ms else ""
        calls = f"-t{self.calls}" if self.calls else ""
        return f"bench-n{self.tokens}-i{self.interval_ms}{batch}{delay}{calls}"

    @property
    def length_s(self) -> float:
        """Seconds from the first token of the stream to its last."""
        writes = -(-self.tokens // self.events_per_write)
        return (self.delay_ms + self.interval_ms * max(writes - 1, 0)) / 1000


_NAME = re.compile(r"bench-n(\d{1,6})-i(\d{1,6})(?:-b(\d{1,4}))?(?:-d(\d{1,6}))?(?:-t(\d))?")


def recipe(model: str) -> Recipe:
    """Reads a model name; raises ValueError for one that is no recipe."""
    match = _NAME.fullmatch(model)
    if match is None:
        raise ValueError(f"expected a model like 'bench-n100-i20-b16-d50', not {model!r}")
    tokens, interval, batch, delay, calls = (int(part or 0) for part in match.groups())
    return Recipe(tokens, interval, batch or 1, delay, calls)


@dataclass(frozen=True)
class Script:
    """The bytes of a stream: one to open it, one for each write of tokens, one to close it."""

    opening: bytes
    writes: tuple[bytes, ...]
    closing: bytes


@lru_cache(maxsize=64)
def script(dialect: Dialect, model: str, with_usage: bool) -> Script:
    """The whole stream of a model, without HTTP framing. Raises ValueError as `recipe` does."""
    asked = recipe(model)
    words = [WORDS[i % len(WORDS)] for i in range(asked.tokens)]
    if dialect == "chat":
        opening, events, closing = _chat(model, words, with_usage)
    else:
        opening, events, closing = _responses(model, words)
    step = asked.events_per_write
    writes = [b"".join(events[i : i + step]) for i in range(0, len(events), step)]
    return Script(opening, tuple(writes), closing)


@lru_cache(maxsize=64)
def call_script(model: str, number: int) -> Script:
    """A stream of the Responses API that calls the tool without arguments, for the n-th time."""
    item: dict[str, object] = {
        "id": f"fc_68af3c1d5f9c8190{number:x}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": TOOL,
        "arguments": "{}",
    }
    place = {"item_id": item["id"], "output_index": 0}
    begun = item | {"status": "in_progress", "arguments": ""}
    frames: tuple[tuple[str, dict[str, object]], ...] = (
        ("response.created", {"response": _response(model, "in_progress", [], None)}),
        ("response.output_item.added", {"output_index": 0, "item": begun}),
        ("response.function_call_arguments.delta", {**place, "delta": "{}"}),
        ("response.function_call_arguments.done", {**place, "arguments": "{}"}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": _response(model, "completed", [item], 1)}),
    )
    opening, *writes, closing = (
        f"event: {kind}\ndata: {_json(fields | {'type': kind, 'sequence_number': n})}\n\n".encode()
        for n, (kind, fields) in enumerate(frames)
    )
    return Script(opening, (b"".join(writes),), closing)


def _json(value: object) -> str:
    # OpenAI sends most characters as they are; the pair of an emoji as escapes exercises decoders.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("😀", "\\ud83d\\ude00")


def _chat(model: str, words: list[str], with_usage: bool) -> tuple[bytes, list[bytes], bytes]:
    def chunk(**fields: object) -> bytes:
        body: dict[str, object] = {
            "id": "chatcmpl-CP2Lr8vXb0yQmVtW3nZk5sJdHgFaE",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": "fp_560af6e559",
            **fields,
        }
        if with_usage:
            body.setdefault("usage", None)
        return f"data: {_json({**body, 'obfuscation': _OBFUSCATION})}\n\n".encode()

    def choice(delta: dict[str, object], reason: str | None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]

    first: dict[str, object] = {"role": "assistant", "content": "", "refusal": None}
    events = [chunk(choices=choice({"content": word}, None)) for word in words]
    closing = chunk(choices=choice({}, "stop"))
    if with_usage:
        usage = {
            "prompt_tokens": 9,
            "completion_tokens": len(words),
            "total_tokens": 9 + len(words),
        }
        closing += chunk(choices=[], usage=usage)
    return chunk(choices=choice(first, None)), events, closing + b"data: [DONE]\n\n"


def _responses(model: str, words: list[str]) -> tuple[bytes, list[bytes], bytes]:
    number = 0

    def frame(kind: str, **fields: object) -> bytes:
        nonlocal number
        body = {"type": kind, "sequence_number": number, **fields}
        number += 1
        return f"event: {kind}\ndata: {_json(body)}\n\n".encode()

    place = {"item_id": ITEM_ID, "output_index": 0, "content_index": 0}
    text = "".join(words)
    begun = _response(model, "in_progress", [], None)
    opening = (
        frame("response.created", response=begun)
        + frame("response.in_progress", response=begun)
        + frame("response.output_item.added", output_index=0, item=_message("in_progress", []))
        + frame("response.content_part.added", **place, part=_part(""))
    )
    kind = "response.output_text.delta"
    events = [
        frame(kind, **place, delta=word, logprobs=[], obfuscation=_OBFUSCATION) for word in words
    ]
    message = _message("completed", [_part(text)])
    closing = (
        frame("response.output_text.done", **place, text=text, logprobs=[])
        + frame("response.content_part.done", **place, part=_part(text))
        + frame("response.output_item.done", output_index=0, item=message)
        + frame("response.completed", response=_response(model, "completed", [message], len(words)))
    )
    return opening, events, closing


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _message(status: str, content: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": ITEM_ID,
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
    }


def _response(
    model: str, status: str, output: list[dict[str, object]], tokens: int | None
) -> dict[str, object]:
    usage = None
    if tokens is not None:
        usage = {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9 + tokens,
        }
    return {
        "id": RESPONSE_ID,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": {},
    }
