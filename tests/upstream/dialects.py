"""How local servers differ from OpenAI's Chat Completions, as they stream.

Ollama: no opening frame, a role in every delta, `finish_reason` null up to an empty last delta, no
usage, and `/api/tags`. llama.cpp: content null in the first delta, `timings` beside the last
choice, and usage in a chunk of its own with no choices, only when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from tests.upstream import frames
from tests.upstream.behaviour import Behaviour, token
from tests.upstream.frames import Api

Dialect = Literal["openai", "ollama", "llamacpp"]
OWNERS: dict[Dialect, str] = {"openai": "openai", "ollama": "library", "llamacpp": "llamacpp"}
_DONE = b"data: [DONE]\n\n"


class OpenAI:
    """The frames of one answer."""

    def __init__(self, api: Api, how: Behaviour, *, usage: bool) -> None:
        self.api = api
        self.how = how
        self.usage = usage  # it was asked for

    def opening(self) -> bytes:
        """What comes before the first token."""
        return frames.opening(self.api, self.how)

    def tokens(self) -> Iterator[bytes]:
        """A frame a token."""
        return frames.tokens(self.api, self.how)

    def failure(self) -> bytes:
        """An error in mid-stream."""
        return frames.failure(self.api, self.how)

    def closing(self) -> bytes:
        """What ends the answer."""
        return frames.closing(self.api, self.how)


class Ollama(OpenAI):
    """Its `/v1/chat/completions`."""

    def opening(self) -> bytes:
        return b""

    def tokens(self) -> Iterator[bytes]:
        for k in range(self.how.get("n", 3)):
            yield self._chunk({"role": "assistant", "content": token(k)}, None)

    def failure(self) -> bytes:
        error = {"message": "llama runner process has terminated", "type": "server_error"}
        return _data({"error": error | {"param": None, "code": None}})

    def closing(self) -> bytes:
        if "noend" in self.how:
            return b""
        return self._chunk({"role": "assistant", "content": ""}, "stop") + _DONE

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1}
        return _data(head | {"system_fingerprint": "fp_ollama", "choices": [choice]})


class LlamaCpp(OpenAI):
    """The `/v1/chat/completions` of its server."""

    def opening(self) -> bytes:
        return self._chunk([_choice({"role": "assistant", "content": None})])

    def tokens(self) -> Iterator[bytes]:
        for k in range(self.how.get("n", 3)):
            yield self._chunk([_choice({"content": token(k)})])

    def failure(self) -> bytes:
        error = {"code": 500, "message": "Compute error.", "type": "server_error"}
        return _data({"error": error})

    def closing(self) -> bytes:
        if "noend" in self.how:
            return b""
        n = self.how.get("n", 3)
        timings = {"prompt_n": 7, "prompt_ms": 1.25, "predicted_n": n, "predicted_ms": 2.5}
        ended = self._chunk([_choice({}, "stop")], timings=timings)
        if self.usage:
            usage = {"completion_tokens": n, "prompt_tokens": 7, "total_tokens": 7 + n}
            ended += self._chunk([], usage=usage, timings=timings)
        return ended + _DONE

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        head = {"choices": choices, "created": 1, "id": "chatcmpl-Vq0", "model": "gpt-3.5-turbo"}
        tail = {"system_fingerprint": "b6497-cd08fc3e", "object": "chat.completion.chunk"}
        return _data(head | tail | more)


SPOKEN: dict[Dialect, type[OpenAI]] = {
    "openai": OpenAI,
    "ollama": Ollama,
    "llamacpp": LlamaCpp,
}


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"finish_reason": finish_reason, "index": 0, "delta": delta}


def _data(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"
