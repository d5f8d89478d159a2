"""Bad requests for this wire: see `tests.wires.bad_input`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.wires.bad_input import (
    ANY_4XX,
    JSON,
    NO_OBJECT,
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

PATH = "/chat/stream"
GOOD: dict[str, Any] = {"user_query": "hello"}
NAMES: list[Any] = [*NO_STRING[:8], "x" * 201, "Nowhere at all", "1", " ", "../x", "<script>"]
CONTEXTS: list[Any] = [
    *NO_OBJECT,
    "{}",
    {"a": "x" * 65_536},
    {"a": ["é" * 1000] * 40},
    {"x" * 70_000: 1},
]


def support() -> list[Bad]:
    """For `/chat`, `/chat/stream` and `/scenarios`."""
    fields: dict[str, list[Any]] = {
        "user_query": [*NO_STRING, None, "", "x" * 20_001],
        "thread_id": SESSIONS,
        "category": NAMES,
        "subcategory": NAMES,
        "context": CONTEXTS,
    }
    return [
        *posts(PATH, GOOD, fields),
        *(Bad(f"whole {b.name}", *_sent(b)) for b in posts("/chat", GOOD, fields)),
        *bodies("/chat", GOOD),
        *headers(PATH, GOOD),
        *methods({PATH: "GET POST HEAD", "/chat": "POST", "/scenarios": "GET HEAD"}),
        *_shared(),
        *_queries(),
        Bad(
            "GET from another site", "GET", f"{PATH}?user_query=x", {"Origin": "https://a.example"}
        ),
    ]


def _sent(bad: Bad) -> tuple[Any, ...]:
    return bad.method, bad.target, bad.headers, bad.body, bad.expect


def _shared() -> Iterator[Bad]:
    """The path that two wires have: none of their fields, or both."""
    for body in (
        {},
        {"thread_id": "t"},
        {"query": "hello"},
        {"user_query": "hello", "input": "hello"},
        {"user_query": "hello", "input": None},
        {"user_query": "hello", "input": 1},
    ):
        sent = json.dumps(body).encode()
        yield Bad(f"fields {sorted(body)}", "POST", PATH, JSON, sent, status(422))
    other = b'{"input":"hello"}'
    yield Bad("whole: another wire's field", "POST", "/chat", JSON, other, status(422))


def _queries() -> Iterator[Bad]:
    queries = {
        "": status(422),
        "user_query=": status(422),
        "thread_id=a": status(422),
        "user_query=x&input=x": status(422),
        "user_query=&input=": status(422),
        "user_query=x&thread_id=a%20b": status(422),
        "user_query=x&thread_id=..%2Fx": status(422),
        "user_query=x&thread_id=%00": status(422),
        "user_query=x&category=Nowhere": status(422),
        "user_query=x&subcategory=Nowhere": status(422),
        "user_query=x&category=" + "x" * 201: status(422),
        "user_query=x&context=x": status(422),
        "user_query=x&context=1": status(422),
        "user_query=x&context=null": status(422),
        "user_query=x&context=[]": status(422),
        "user_query=x&context=%7B": status(422),
        "user_query=x&context=" + quote('{"a":NaN}'): status(422),
        "user_query=x&context=" + quote('{"a":"\\ud83d"}'): status(422),
        "user_query=x&context=" + quote('{"a":' * 100 + "1" + "}" * 100): status(422),
        "user_query=" + "x" * 20_001: status(422),
        "user_query=%ff": status(400),
        "user_query=%ed%a0%80": status(400),
        "user_query=x&z=%80": status(400),
        "user_query=x&lastEventId=x": status(400),
        f"user_query=x&lastEventId={TURN}:0": status(404),
        f"lastEventId={TURN}:0": status(404),
        "&".join(f"a{n}=1" for n in range(150)): status(400),
        "user_query=" + "x" * 70_000: ANY_4XX,
    }
    for query, expect in queries.items():
        yield Bad(f"query: {query[:40]}", "GET", f"{PATH}?{query}", {}, b"", expect)
