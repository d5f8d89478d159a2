"""Stored versions of system-prompt templates, counted from 1 and never changed."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Row, delete, func, insert, select

from talkwire.canon.errors import Unprocessable
from talkwire.canon.records import PromptVersion
from talkwire.stores.database import Database
from talkwire.stores.schema import prompts

_COLUMNS: tuple[Column[Any], ...] = (
    prompts.c.name,
    prompts.c.version,
    prompts.c.text,
    prompts.c.description,
    prompts.c.variables,
    prompts.c.model,
    prompts.c.temperature,
    prompts.c.created_at,
)


class SqlPrompts:
    """The versions in the database. A name that was deleted begins at 1 again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, name: str) -> PromptVersion | None:
        """The newest version, if there is one."""
        found = await self._select(name, limit=1)
        return found[0] if found else None

    async def versions(self, name: str) -> list[PromptVersion]:
        """All versions, newest first; none for an unknown name."""
        return await self._select(name)

    async def get(self, name: str, version: int) -> PromptVersion | None:
        """One version, if it is stored."""
        asked = select(*_COLUMNS).where((prompts.c.name == name) & (prompts.c.version == version))
        row = await self._database.read(lambda c: c.execute(asked).first())
        return None if row is None else _version(row)

    async def put(self, draft: PromptVersion) -> PromptVersion:
        """Store the next version; the draft's number and time are replaced.

        :raises Unprocessable: it holds a NUL, which PostgreSQL cannot store in a text.
        """
        for param in ("text", "description"):
            if "\0" in getattr(draft, param):
                raise Unprocessable("A NUL character cannot be stored.", param=param)
        return await self._database.write(lambda c: _put(c, draft), locks=[f"prompt/{draft.name}"])

    async def delete(self, name: str) -> int:
        """Delete all versions of a name; how many there were."""
        gone = delete(prompts).where(prompts.c.name == name)
        return await self._database.write(lambda c: c.execute(gone).rowcount)

    async def names(self) -> list[str]:
        """All names that have a version, sorted."""
        asked = select(prompts.c.name).distinct().order_by(prompts.c.name)
        return await self._database.read(lambda c: list(c.execute(asked).scalars()))

    async def _select(self, name: str, limit: int | None = None) -> list[PromptVersion]:
        asked = (
            select(*_COLUMNS)
            .where(prompts.c.name == name)
            .order_by(prompts.c.version.desc())
            .limit(limit)
        )
        return await self._database.read(lambda c: [_version(r) for r in c.execute(asked)])


def _put(connection: Connection, draft: PromptVersion) -> PromptVersion:
    newest = select(func.max(prompts.c.version)).where(prompts.c.name == draft.name)
    version = (connection.execute(newest).scalar() or 0) + 1
    stored = msgspec.structs.replace(draft, version=version, created_at=time.time_ns() // 1_000_000)
    values = msgspec.structs.asdict(stored) | {"variables": json.dumps(stored.variables)}
    connection.execute(insert(prompts).values(values))
    return stored


def _version(row: Row[Any]) -> PromptVersion:
    values = dict(row._mapping)
    return PromptVersion(**values | {"variables": tuple(json.loads(values["variables"]))})
