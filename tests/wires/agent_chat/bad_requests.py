"""Bad requests for this wire: see `tests.wires.bad_input`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.wires.bad_input import (
    JSON,
    NO_OBJECT,
    NO_STRING,
    SESSIONS,
    Bad,
    bodies,
    headers,
    methods,
    posts,
    status,
)

STREAM, WHOLE, AGENTS = "/chat/message/stream", "/chat/message", "/chat/agents"
GOOD: dict[str, Any] = {"session_id": "s_nobody", "content": "hello"}
TEXT = {"type": "text", "text": "x"}
FIELDS: dict[str, list[Any]] = {
    "session_id": [*SESSIONS, None],
    "content": [*NO_STRING, None, "", "x" * 200_001],
    "agent_id": [*NO_STRING[:8], "", "x" * 201],
    "attachments": [
        *(value for value in NO_STRING if value != []),
        "x",
        [None],
        [{}],
        [{"type": "text"}],
        [{"text": "x"}],
        [{"type": "image", "url": "http://127.0.0.1/x.png"}],
        [{"type": "file", "path": "../x"}],
        [{"type": "TEXT", "text": "x"}],
        [{"type": "text", "text": ""}],
        [{"type": "text", "text": 1}],
        [{**TEXT, "name": 1}],
        [{**TEXT, "name": "x" * 201}],
        [TEXT, "x"],
        [TEXT] * 21,
        [{"type": "text", "text": "x" * 199_000}] * 2,
    ],
    "metadata": [*NO_OBJECT, {"a": "x" * 16_384}, {"a": [["x" * 100]] * 200}],
}


def agent_chat() -> list[Bad]:
    """For `/chat/message`, its stream, and `/chat/agents`."""
    return [
        *posts(STREAM, GOOD, FIELDS),
        *_whole(),
        *bodies(STREAM, GOOD),
        *headers(STREAM, GOOD),
        *methods({STREAM: "POST", WHOLE: "POST", AGENTS: "GET HEAD"}),
        *(
            Bad(f"nobody's session {path}", "POST", path, JSON, body, status(404))
            for path in (STREAM, WHOLE)
            for body in (b'{"session_id":"s_nobody","content":"x"}',)
        ),
        Bad("another wire's field", "POST", WHOLE, JSON, b'{"input":"x"}', status(422)),
        Bad("a long path", "POST", f"{WHOLE}/stream/more", JSON, b"{}", status(404)),
    ]


def _whole() -> Iterator[Bad]:
    for bad in posts(WHOLE, GOOD, {name: values[:6] for name, values in FIELDS.items()}):
        yield replace(bad, name=f"whole {bad.name}")
