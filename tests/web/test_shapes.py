"""What routes answer is what the document tells of them: each field, and no status but those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from talkwire.app import build
from talkwire.settings import Settings
from tests.desk import Desk
from tests.test_app import events_of, served
from tests.web.test_document import ELSEWHERE, operations, resolved

SAID: Mapping[str, Any] = {
    "/turns": {"input": "echo Hello"},
    "/chat": {"user_query": "Hello"},
    "/chat/message": {"session_id": "s_told", "content": "echo Hello"},
    "/api/v1/chat": {"message": "echo Hello", "preferred_model": "demo"},
    "/api/chat/abort": {"session_id": "s_told"},
    "/turns/{turn_id}/abort": None,
    "/turns/{turn_id}/regenerate": None,
    "/messages/{message_id}/edit": {"input": "echo Goodbye"},
    "/mcp": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
}
MCP = {"accept": "application/json, text/event-stream"}


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A server with all wires in this process."""
    monkeypatch.setattr("talkwire.parts.desk", lambda settings, vectors: Desk())
    async with served(build(Settings(data_dir=tmp_path, use_mock=True))) as client:
        yield client


def wrong(document: Mapping[str, Any], path: str, answer: httpx2.Response) -> list[str]:
    """What the answer has that is not told of it."""
    operation = dict(operations(document))[f"{answer.request.method} {path}"]
    told = operation["responses"].get(str(answer.status_code))
    if told is None:
        return [f"{answer.status_code} is not told of"]
    told = resolved(document, told)
    found = [f"no {name}" for name in told.get("headers", {}) if lacks(told, name, answer)]
    media_type = answer.headers["content-type"].partition(";")[0]
    if media_type not in told.get("content", {}):
        return [*found, f"{media_type} is not told of"]
    schema = told["content"][media_type]["schema"]
    if not media_type.endswith("json"):
        return found
    errors = Draft202012Validator(schema).iter_errors(answer.json())
    return found + [f"{error.json_path}: {error.message}" for error in errors]


def lacks(told: Mapping[str, Any], name: str, answer: httpx2.Response) -> bool:
    return bool(told["headers"][name].get("required")) and name not in answer.headers


async def test_what_is_answered_to_a_get_is_what_is_told(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    started = (await client.post("/turns", json=SAID["/turns"])).json()
    await events_of(client, started["turn_id"])
    names = defaultdict(lambda: "local", {**started, "name": "default"})

    found = {}
    for name, operation in operations(document):
        method, path = name.split(" ")
        good = operation["responses"].get("200", {}).get("content", {})
        if method == "GET" and "text/event-stream" not in good and "metrics" not in path:
            answer = await client.get(path.format_map(names))
            if not ELSEWHERE & set(operation["tags"]) and "results" not in path:
                assert answer.status_code == 200, answer.text
                found[path] = wrong(document, path, answer)

    assert len(found) >= 10
    assert {path: what for path, what in found.items() if what} == {}


async def test_what_is_answered_to_a_post_is_what_is_told(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    started = (await client.post("/turns", json={**SAID["/turns"], "session_id": "s_told"})).json()
    await events_of(client, started["turn_id"])
    names = {**started, "message_id": f"msg_{started['turn_id']}_in"}

    found = {}
    for path, body in SAID.items():
        answer = await client.post(path.format(**names), json=body, headers=MCP)
        assert answer.status_code in (200, 202), answer.text
        found[path] = wrong(document, path, answer)

    assert {path: what for path, what in found.items() if what} == {}


async def test_what_is_answered_to_nonsense_is_what_is_told(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    found, statuses = {}, set()
    for name, operation in operations(document):
        if "requestBody" in operation:
            method, path = name.split(" ")
            answer = await client.request(method, path, json={"nothing": 1}, headers=MCP)
            statuses.add(answer.status_code)
            found[path] = wrong(document, path, answer)

    assert statuses & {400, 404, 422}
    assert max(statuses) < 500
    assert {path: what for path, what in found.items() if what} == {}
