"""The frames of one answer, in each API's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from tests.upstream.behaviour import Behaviour, token, whole_text

Api = Literal["chat", "responses"]
ERROR = {"message": "The engine is overloaded", "type": "server_error", "code": "overloaded"}
BROKEN = b'data: {"broken": \n\n'


def opening(api: Api, how: Behaviour) -> bytes:
    """What comes before the first token."""
    if api == "chat":
        frames = _chat({"role": "assistant", "content": ""})
        if "think" in how:
            frames += _chat({"reasoning_content": "hmm "})
        if "tool" in how:
            frames += _chat_tool()
        return frames
    response = {"id": "resp_1", "object": "response", "status": "in_progress"}
    frames = _event("response.created", response=response)
    if "think" in how:
        frames += _event("response.reasoning_summary_text.delta", output_index=0, delta="hmm ")
    if "tool" in how:
        frames += _responses_tool()
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    frames += _event("response.output_item.added", output_index=0, item=item)
    part = {"type": "output_text", "text": "", "annotations": []}
    return frames + _event(
        "response.content_part.added", item_id="msg_1", output_index=0, content_index=0, part=part
    )


def tokens(api: Api, how: Behaviour) -> Iterator[bytes]:
    """A frame a token, or some in each."""
    for k, text in _pieces(how):
        if api == "chat":
            so_far = _usage(k) if "cumulative" in how else None
            yield _chat({"content": text}, usage=so_far)
        else:
            yield _event(
                "response.output_text.delta",
                item_id="msg_1",
                output_index=0,
                content_index=0,
                delta=text,
            )


def _pieces(how: Behaviour) -> Iterator[tuple[int, str]]:
    """What each chunk says, and how many tokens there are with it."""
    n, size = how.get("n", 3), how.get("size", 0)
    if not size:
        yield from ((k + 1, token(k)) for k in range(n))
    for first in range(0, n if size else 0, size or 1):
        count = min(size, n - first)
        yield first + count, "four" * count


def _usage(n: int) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": n, "total_tokens": 7 + n}


def failure(api: Api, how: Behaviour) -> bytes:
    """An error in mid-stream."""
    if api == "chat":
        return _data({"error": ERROR})
    if "failed" in how:
        response = {"id": "resp_1", "status": "failed", "error": ERROR}
        return _event("response.failed", response=response)
    return _event("error", **{k: v for k, v in ERROR.items() if k != "type"})


def closing(api: Api, how: Behaviour) -> bytes:
    """What ends the answer, as far as the behaviour lets it."""
    if "noend" in how:
        return b""
    n = how.get("n", 3)
    usage = dict.fromkeys(_usage(n), 0) if "zero" in how else _usage(n)
    told = "nousage" not in how and "cumulative" not in how
    reason = "length" if "length" in how else "stop"
    if api == "chat":
        frames = b"" if "nofinish" in how else _chat({}, finish_reason=reason)
        if told:
            frames += _data(
                {"id": "c1", "object": "chat.completion.chunk", "choices": []} | {"usage": usage}
            )
        return frames + (b"" if "nodone" in how else b"data: [DONE]\n\n")
    frames = _event(
        "response.output_text.done",
        item_id="msg_1",
        output_index=0,
        content_index=0,
        text=whole_text(n),
    )
    if "nofinish" in how:
        return frames
    status = "incomplete" if "length" in how else "completed"
    response: dict[str, Any] = {"id": "resp_1", "object": "response", "status": status}
    if told:
        response["usage"] = {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"],
        }
    if "length" in how:
        response["incomplete_details"] = {"reason": "max_output_tokens"}
    return frames + _event(f"response.{status}", response=response)


def _data(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + _data({"type": kind, "sequence_number": 0} | fields)


def _chat(
    delta: dict[str, Any], finish_reason: str | None = None, usage: dict[str, int] | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 1}
    return _data({**chunk, "choices": [choice], **({"usage": usage} if usage else {})})


def _chat_tool() -> bytes:
    first = {"index": 0, "id": "call_1", "type": "function"}
    frames = _chat({"tool_calls": [first | {"function": {"name": "add", "arguments": ""}}]})
    for piece in ('{"a":', "1}"):
        frames += _chat({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    return frames


def _responses_tool() -> bytes:
    item = {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": ""}
    frames = _event("response.output_item.added", output_index=1, item=item)
    for piece in ('{"a":', "1}"):
        kind = "response.function_call_arguments.delta"
        frames += _event(kind, output_index=1, delta=piece)
    kind = "response.function_call_arguments.done"
    return frames + _event(kind, output_index=1, arguments='{"a":1}')
