"""The prompts API over HTTP."""

from __future__ import annotations

from talkwire.wires.responses_sse.routes import router
from tests.web.wire import OneTurn, client_of
from tests.wires.responses_sse.prompt_shelf import Shelf


async def test_a_prompt_is_stored_listed_pinned_and_deleted() -> None:
    async with client_of(router(OneTurn(), Shelf())) as client:
        first = await client.put("/prompts/brief", json={"text": "Be brief."})
        second = await client.put(
            "/prompts/brief", json={"text": "Be {{ how }}.", "variables": ["how"]}
        )
        listed = await client.get("/prompts")
        one = await client.get("/prompts/brief")
        pinned = await client.get("/prompts/brief@1")
        gone = await client.delete("/prompts/brief")
        after = await client.get("/prompts/brief")

    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert (second.status_code, second.json()["version"]) == (200, 2)
    assert [each["name"] for each in listed.json()["prompts"]] == ["default", "brief"]
    assert [each["version"] for each in one.json()["versions"]] == [2, 1]
    assert pinned.json()["text"] == "Be brief."
    assert gone.json() == {"name": "brief", "deleted": 2}
    assert after.status_code == 404


async def test_built_in_prompts_stay_and_unknown_versions_are_not_found() -> None:
    async with client_of(router(OneTurn(), Shelf())) as client:
        kept = await client.delete("/prompts/default")
        version = await client.get("/prompts/default@7")
        path = await client.put("/prompts/a%2Fb", json={"text": "x"})

    assert kept.status_code == 409
    assert version.status_code == 404
    assert path.status_code == 422
    assert path.json()["errors"][0]["field"] == "name"
