"""Bad requests for this wire: see `tests.wires.bad_input`."""

from __future__ import annotations

import json
from typing import Any

from tests.wires.bad_input import (
    JSON,
    NO_NUMBER,
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

MODELS: dict[str, list[Any]] = {
    "model_name": [*NO_STRING[:8], "x" * 201],
    "temperature": [*NO_NUMBER, 2.1],
    "max_tokens": [*NO_NUMBER, 0, 1.5, 10**30],
    "api_key": [*NO_STRING[:8], "a b", "é", "a\nb", "a\x00", "k" * 4097],
    "base_url": NO_STRING[:8],
}
NO_SERVERS: list[str] = [
    "x",
    "ftp://api.example/v1",
    "file:///etc/passwd",
    "http://169.254.169.254/v1",
    "http://127.0.0.1:1/v1",
    "http://localhost/v1",
    "http://[::1]/v1",
    "http://0x7f000001/v1",
    "http://user:secret@api.example/v1",
    "http://api.example:25/v1",
]


def tool_chat() -> list[Bad]:
    """For `/api/chat` and `/api/tools`."""
    path, direct, abort = "/api/chat/stream", "/api/chat/stream/direct", "/api/chat/abort"
    good: dict[str, Any] = {"session_id": "s_1", "content": "hello"}
    fields: dict[str, list[Any]] = {
        "content": [*NO_STRING, None, "", "x" * 200_001],
        "session_id": [*SESSIONS, None],
        "model_config": NO_OBJECT,
    }
    asked: dict[str, Any] = {"session_id": "s_1", "messages": [{"role": "user", "content": "x"}]}
    contexts = {"messages": [*NO_STRING[:6], None, *_bad_contexts()], "save": [1, "yes", None]}
    cases = [
        *posts(path, good, fields),
        *posts(path, good, {"model_config": [{k: v} for k in MODELS for v in MODELS[k]]}),
        *posts(direct, asked, {**contexts, "session_id": SESSIONS[:4]}),
        *posts(abort, {}, {"session_id": SESSIONS, "turn_id": [*NO_STRING[:6], "", "x" * 200]}),
        *bodies(path, good),
        *headers(path, good),
        *methods({path: "POST", direct: "POST", abort: "POST"}),
        *methods({"/api/tools": "GET HEAD", "/api/servers": "GET HEAD"}),
        Bad("abort of nothing", "POST", abort, JSON, b"{}", status(422)),
        Bad("direct: empty", "POST", direct, JSON, b"{}", status(422)),
    ]
    for url in NO_SERVERS:
        body = json.dumps({**good, "model_config": {"base_url": url, "api_key": "k"}}).encode()
        cases.append(Bad(f"base_url {url[:30]}", "POST", path, JSON, body, status(403)))
    return cases


def _bad_contexts() -> list[Any]:
    """Messages that no model could be given."""
    user = {"role": "user", "content": "x"}
    call = {"tool_call_id": "c1", "tool_name": "t", "arguments": {}}
    asks = {"role": "assistant", "tool_calls": [call]}
    answers = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    wrong: list[list[Any]] = [
        ["x"],
        [{}],
        [{"content": "x"}],
        [{"role": "user"}],
        [{"role": "nobody", "content": "x"}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": ["x"]}],
        [{"role": "user", "content": "x", "tool_call_id": "c1"}],
        [{"role": "user", "content": "x", "tool_calls": [call]}],
        [{"role": "assistant"}],
        [{"role": "assistant", "tool_calls": []}],
        [{"role": "assistant", "tool_calls": ["c1"]}],
        [{"role": "assistant", "tool_calls": [{"id": "c1"}]}],
        [{"role": "assistant", "tool_calls": [{"id": "c1", "function": {}}]}],
        [{"role": "assistant", "tool_calls": [{**call, "arguments": "{}"}]}],
        [{"role": "assistant", "tool_calls": [call, call]}, answers],
        [asks],
        [asks, user],
        [asks, asks, answers],
        [answers],
        [user, answers],
        [asks, answers, answers],
        [asks, {**answers, "tool_call_id": "c2"}],
        [asks, {"role": "tool", "content": "1"}],
        [asks, {"role": "tool", "tool_call_id": "c1"}],
        [asks, {**answers, "tool_calls": [call]}],
        [user] * 1001,
    ]
    return wrong
