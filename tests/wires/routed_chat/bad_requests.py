"""Bad requests for this wire: see `tests.wires.bad_input`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.wires.bad_input import (
    JSON,
    NO_NUMBER,
    NO_STRING,
    SESSIONS,
    TURN,
    Bad,
    bodies,
    headers,
    methods,
    posts,
    status,
)

PATH, WHOLE, MODELS = "/api/v1/chat/stream", "/api/v1/chat", "/api/v1/models"
GOOD: dict[str, Any] = {"message": "hello"}
FIELDS: dict[str, list[Any]] = {
    "message": [*NO_STRING, None, "", "x" * 200_001],
    "session_id": SESSIONS,
    "max_tokens": [*NO_NUMBER, 0, 1.5, 10**30],
    "temperature": [*NO_NUMBER, 2.1],
    "model_type": [*NO_STRING[:8], "", "local", "AUTO", "cloud_large ", "scripted"],
    "preferred_model": [*NO_STRING[:8], "", "x" * 201],
    "stream": ["true", "", 1, 0, [], {}, "no"],
}


def routed_chat() -> list[Bad]:
    """For `/api/v1`."""
    return [
        *map(_as_400, posts(PATH, GOOD, FIELDS)),
        *map(_as_400, _whole()),
        *map(_as_400, bodies(PATH, GOOD)),
        *headers(PATH, GOOD),
        *methods({PATH: "POST", WHOLE: "POST", MODELS: "GET HEAD"}),
        Bad("another wire's field", "POST", PATH, JSON, b'{"input":"x"}', status(400)),
        Bad("no field", "POST", WHOLE, JSON, b"{}", status(400)),
        Bad("cursor", "POST", WHOLE, {**JSON, "Last-Event-ID": "x"}, b"{}", status(400)),
        Bad("cursor of none", "POST", f"{WHOLE}?lastEventId={TURN}:0", JSON, b"", status(404)),
    ]


def _whole() -> Iterator[Bad]:
    for bad in posts(WHOLE, GOOD, {name: values[:6] for name, values in FIELDS.items()}):
        yield replace(bad, name=f"whole {bad.name}")


def _as_400(bad: Bad) -> Bad:
    """No client of this wire knows 422."""
    return replace(bad, expect=frozenset(400 if code == 422 else code for code in bad.expect))
