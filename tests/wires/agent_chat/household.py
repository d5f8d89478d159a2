"""A book of sessions in a file, two agents and a prompt: what routes of sessions stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from fastapi import APIRouter

from talkwire.canon.agents import AgentCard
from talkwire.canon.errors import NotFound, TalkwireError, Unprocessable
from talkwire.canon.records import PromptVersion, RenderedPrompt
from talkwire.canon.turn import Scalar
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.session_book import SqlSessionBook
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.wires.agent_chat import sessions, sessions_batch, sessions_whole
from tests.web.wire import client_of


class House:
    """Who answers, and under which prompts."""

    def cards(self) -> Sequence[AgentCard]:
        return (AgentCard("assistant", "Assistant"), AgentCard("weather", "Weather"))

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        if name == "needy":
            raise Unprocessable("the variable 'city' is missing", param="city")
        if name != "formal":
            raise NotFound("unknown prompt (known: formal, needy)")
        return RenderedPrompt("Be formal.")

    async def versions(self, name: str) -> list[PromptVersion]:
        raise NotImplementedError

    async def put(self, draft: PromptVersion) -> PromptVersion:
        raise NotImplementedError

    async def delete(self, name: str) -> int:
        raise NotImplementedError

    async def list(self) -> list[PromptVersion]:
        raise NotImplementedError


@asynccontextmanager
async def asked(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of all routes of sessions, over a database of its own."""
    database = SqliteDatabase(tmp_path / "talkwire.db")
    await database.open()
    book, house = SqlSessionBook(database), House()
    conversations = SqlConversations(database)

    async def forget(owner: str, ids: Sequence[str]) -> dict[str, TalkwireError | None]:
        done = await conversations.delete_many(owner, ids)
        return {each: None if each in done.gone else sessions_batch.missing() for each in ids}

    known = sessions.Known(house, house)
    parts = [
        sessions.router(book, known, ttl_s=60),
        sessions_whole.router(book, known, ttl_s=60),
        sessions_batch.router(book, forget),
    ]
    try:
        async with client_of(
            APIRouter(routes=[r for part in parts for r in part.routes])
        ) as client:
            yield client
    finally:
        await database.close()


async def begun(client: httpx2.AsyncClient, **given: Any) -> Any:
    """A session that was made."""
    response = await client.post(sessions.CREATE, json=given)
    assert response.status_code == 201, response.text
    return response.json()
