"""The route over HTTP, with an engine of one turn and a shelf of conversations."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from talkwire.canon.errors import NotFound
from talkwire.canon.events import Stamped
from talkwire.canon.records import SessionRecord, StoredMessage
from talkwire.canon.turn import text_message
from talkwire.wires.mcp.routes import router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-11-25",
    "Mcp-Session-Id": "mine",
}


class Shelf:
    """One owner's conversations."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def sessions(
        self, owner: str, *, limit: int, before: tuple[int, str] | None = None
    ) -> list[SessionRecord]:
        self.asked.append((owner, limit, before))
        return [SessionRecord(SESSION, None, 1, 2, "Hi")]

    async def messages(
        self, owner: str, session_id: str, *, limit: int, leaf: str | None = None
    ) -> list[StoredMessage]:
        self.asked.append((owner, session_id, limit, leaf))
        if session_id != SESSION:
            raise NotFound("There is no such session.", param="session_id")
        return [StoredMessage(text_message("m_1", "user", "Hi"), SESSION, "m_0", TURN, 1)]


class Scenarios:
    """The scenarios of a help desk."""

    def listing(self) -> dict[str, Any]:
        about = {"description": "Where it is", "related_subcategories": []}
        return {
            "total_categories": 2,
            "categories": {
                "Money": [{"category": "Money", "subcategory": "1 Late Flow", **about}],
                "Parcels": [{"category": "Parcels", "subcategory": "1 Lost Flow", **about}],
            },
        }


class Setting:
    """A client and what stands behind the route."""

    def __init__(self, turns: OneTurn, shelf: Shelf, client: httpx2.AsyncClient) -> None:
        self.turns = turns
        self.shelf = shelf
        self.client = client

    async def post(self, body: Any, **headers: str) -> httpx2.Response:
        return await self.client.post("/mcp", json=body, headers={**HEADERS, **headers})

    async def ask(self, method: str, params: dict[str, Any], id: int = 1) -> list[dict[str, Any]]:
        """All messages of the answer."""
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        answer = await self.post(message)
        assert answer.status_code == 200, answer.text
        lines = re.split(r"\r?\n", answer.text)
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    async def call(self, name: str, token: str | None = None, **arguments: Any) -> Any:
        """The result of a tool, or the error in its place; progress is left out."""
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        if token is not None:
            params["_meta"] = {"progressToken": token}
        last = (await self.ask("tools/call", params))[-1]
        return last.get("result") or last["error"]


@asynccontextmanager
async def setting(
    events: Sequence[Stamped] = CASES["plain"], scenarios: Scenarios | None = None
) -> AsyncIterator[Setting]:
    """Closed as an application closes it."""
    turns, shelf = OneTurn(events), Shelf()
    routes = router(turns, shelf, scenarios=scenarios)
    async with routes.lifespan_context(routes), client_of(routes) as client:
        yield Setting(turns, shelf, client)
