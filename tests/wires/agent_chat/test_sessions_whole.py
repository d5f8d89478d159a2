"""Sessions go out as JSON or to be read, and come in again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talkwire.wires.agent_chat import sessions_whole
from talkwire.wires.agent_chat.sessions_file import written
from talkwire.wires.agent_chat.sessions_shapes import ImportedShape
from talkwire.wires.agent_chat.sessions_whole import IMPORT
from tests.wires.agent_chat.household import asked
from tests.wires.agent_chat.test_sessions_file import FULL

FILE = json.loads(written(FULL))


async def test_a_file_becomes_a_session_and_a_file_again(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        made = await client.post(IMPORT, json=FILE)
        again = (await client.post(IMPORT, json=FILE)).json()
        out = await client.get("/sessions/s_1/export")
        history = (await client.get("/chat/history/s_1")).json()

    told = made.json()
    assert made.status_code == 201
    assert ImportedShape.model_validate(told).model_dump() == told
    assert (told["session_id"], told["messages"]) == ("s_1", 4)
    assert (again["session_id"] != "s_1", again["imported_from"]) == (True, "s_1")
    assert out.content == written(FULL)
    assert out.headers["content-disposition"] == 'attachment; filename="s_1.json"'
    assert [each["role"] for each in history["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


async def test_the_form_is_asked_for_by_name_or_by_what_is_accepted(tmp_path: Path) -> None:
    markdown, both = {"Accept": "text/markdown"}, {"Accept": "text/markdown, application/json"}
    async with asked(tmp_path) as client:
        await client.post(IMPORT, json=FILE)
        path = "/sessions/s_1/export"
        forms = [
            await client.get(path, params={"format": "markdown"}),
            await client.get(path, headers=markdown),
            await client.get(path, headers=both),
            await client.get(path, params={"format": "json"}, headers=markdown),
        ]
        wrong = await client.get(path, params={"format": "pdf"})

    kinds = [each.headers["content-type"].partition(";")[0] for each in forms]
    assert kinds == ["text/markdown", "text/markdown", "application/json", "application/json"]
    assert forms[0].headers["content-disposition"] == 'attachment; filename="s_1.md"'
    assert (wrong.status_code, wrong.json()["param"]) == (422, "format")


async def test_an_agent_that_is_not_here_is_told(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        response = await client.post(IMPORT, json={**FILE, "agent_id": "nobody"})
    assert (response.status_code, response.json()["param"]) == (404, "agent_id")


async def test_a_session_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_whole, "ONE_BYTES", 10)
    async with asked(tmp_path) as client:
        await client.post(IMPORT, json=FILE)
        assert (await client.get("/sessions/s_1/export")).status_code == 413
