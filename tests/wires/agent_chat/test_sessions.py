"""The routes over HTTP, with a database in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talkwire.wires.agent_chat.sessions import CREATE, LIST
from tests.wires.agent_chat.household import asked, begun


async def test_a_session_is_made_listed_changed_and_read(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        made = await begun(client, title="A", agent_id="weather", system_prompt_name="formal")
        later = await begun(client, user_id="u")
        listed = (await client.get(LIST)).json()
        changed = await client.patch(f"/sessions/{made['session_id']}", json={"title": "B"})
        history = await client.get(f"/chat/history/{made['session_id']}")

    assert made["expires_at"] > made["created_at"]
    ids = {each["session_id"] for each in listed["sessions"]}
    assert ids == {made["session_id"], later["session_id"]}
    assert listed["sessions"][0]["owner"] == "local"
    assert changed.json() == {**made, "title": "B"}
    assert history.json()["messages"] == []
    assert history.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "param", "known"),
    [
        ({"agent_id": "nobody"}, 404, "agent_id", "assistant, weather"),
        ({"system_prompt_name": "x"}, 404, "system_prompt_name", "formal, needy"),
        ({"system_prompt_name": "needy"}, 422, "system_prompt_name", "city"),
        ({"metadata": 1}, 422, "metadata", ""),
    ],
)
async def test_what_a_session_names_has_to_be_there(
    tmp_path: Path, body: Any, status: int, param: str, known: str
) -> None:
    async with asked(tmp_path) as client:
        response = await client.post(CREATE, json=body)

    told = response.json()
    assert (response.status_code, told["param"]) == (status, param)
    assert known in told["detail"]


async def test_stats_are_of_a_label_or_ones_own(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        own = (await client.get("/sessions/user/local/stats")).json()
        await begun(client, user_id="a/b")
        labelled = (await client.get("/sessions/user/a/b/stats")).json()
        missing = await client.get("/sessions/user/nobody/stats")
        odd = await client.get("/sessions/user/a%00/stats")

    assert (own["sessions"], own["user_id"]) == (0, "local")
    assert (labelled["sessions"], labelled["user_id"]) == (1, "a/b")
    assert [missing.status_code, odd.status_code] == [404, 404]


async def test_names_of_no_session_are_not_found(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        for path in ("/chat/history/x%00", "/chat/history/none", "/sessions/none/export"):
            assert (await client.get(path)).status_code == 404
        assert (await client.patch("/sessions/none", json={})).status_code == 404
