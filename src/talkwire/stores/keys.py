"""API keys. The text of a key is shown once, when it is made; its secret is stored as SHA-256.

A fast hash is right here: the secret has 256 random bits, so that there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from talkwire.canon.budgets import Budget
from talkwire.canon.errors import NotFound
from talkwire.canon.keys import KEY_OWNER, SCOPES, ApiKey, NewKey
from talkwire.stores.database import Database
from talkwire.stores.schema import api_keys

_TEXT = re.compile(r"tw_([0-9a-z]{1,32})_([0-9a-f]{64})")
_FIRST = "first"  # one id, so that of several nodes one makes it
_NOBODY = "0" * 64  # no secret has this hash
Keys = list[ApiKey]
_COLUMNS: tuple[Column[Any], ...] = tuple(
    api_keys.c[name] for name in ApiKey.__struct_fields__ if name not in ("scopes", "budget")
)
_ALL = (*_COLUMNS, api_keys.c.scopes, api_keys.c.budget)
_budget = msgspec.json.Decoder(Budget)


class SqlKeys:
    """The keys in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, new: NewKey) -> tuple[ApiKey, str]:
        """Make a key; with it its text, which nobody can get again."""
        text, row = _row(new, secrets.token_hex(6))
        await self._database.write(lambda c: c.execute(insert(api_keys).values(row)))
        return _key(row), text

    async def create_first(self) -> str | None:
        """The text of an admin's key, if there has been no key yet; else None, and none is made.

        Of several processes that ask at once, one gets it.
        """
        text, row = _row(NewKey("first", admin=True, scopes=SCOPES), _FIRST)
        made = await self._database.write(lambda c: _put_first(c, row))
        return text if made else None

    async def list(self) -> Keys:
        """All keys, also those that open nothing any more, oldest first."""
        asked = select(*_ALL).order_by(api_keys.c.created_at, api_keys.c.id)
        return await self._database.read(lambda c: [_key(row._mapping) for row in c.execute(asked)])

    async def revoke(self, key_id: str) -> ApiKey:
        """Let the key open nothing from now on; twice is once. :raises NotFound: no such key."""
        return await self._database.write(lambda c: _revoke(c, key_id))

    async def find(self, text: str) -> ApiKey | None:
        """The key with this text, if it opens anything now.

        Unknown ids take the same steps as wrong secrets.
        """
        parts = _TEXT.fullmatch(text)
        if parts is None:
            return None
        asked = select(*_ALL, api_keys.c.secret_hash).where(api_keys.c.id == parts[1])
        row = await self._database.read(lambda c: c.execute(asked).mappings().first())
        known = _NOBODY if row is None else str(row["secret_hash"])
        if not hmac.compare_digest(known, _hash(parts[2])) or row is None:
            return None
        key = _key(row)
        return key if key.opens(_now()) else None

    async def open(self, key_ids: Collection[str]) -> set[str]:
        """Those of the keys that open anything now."""
        asked = select(*_ALL).where(api_keys.c.id.in_(key_ids))
        now = _now()
        return await self._database.read(
            lambda c: {key.id for row in c.execute(asked) if (key := _key(row._mapping)).opens(now)}
        )

    async def used(self, at: Mapping[str, int]) -> None:
        """Remember when keys were used last, Unix milliseconds by id."""
        await self._database.write(lambda c: _used(c, at))


def _row(new: NewKey, key_id: str) -> tuple[str, dict[str, Any]]:
    """The text of a new key, and its row."""
    secret = secrets.token_hex(32)
    row = {
        "id": key_id,
        "owner": new.user if new.user is not None else KEY_OWNER + key_id,
        "name": new.name,
        "user": new.user,
        "secret_hash": _hash(secret),
        "admin": new.admin,
        "scopes": json.dumps(sorted(new.scopes)),
        "models": None,
        "expires_at": new.expires_at,
        "revoked_at": None,
        "rpm": new.rpm,
        "tpm": new.tpm,
        "created_at": _now(),
        "last_used_at": None,
        "budget": _stored(new.budget),
    }
    return f"tw_{key_id}_{secret}", row


def _put_first(connection: Connection, row: Mapping[str, Any]) -> bool:
    if connection.execute(select(api_keys.c.id).limit(1)).first() is not None:
        return False
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    put = dialect.insert(api_keys).values(row).on_conflict_do_nothing()
    return connection.execute(put.returning(api_keys.c.id)).first() is not None


def _revoke(connection: Connection, key_id: str) -> ApiKey:
    mine = api_keys.c.id == key_id
    connection.execute(
        update(api_keys).where(mine & api_keys.c.revoked_at.is_(None)).values(revoked_at=_now())
    )
    row = connection.execute(select(*_ALL).where(mine)).first()
    if row is None:
        raise NotFound("There is no such key.")
    return _key(row._mapping)


def _used(connection: Connection, at: Mapping[str, int]) -> None:
    for key_id in sorted(at):  # in one order, so that nodes do not wait for each other in a ring
        connection.execute(
            update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at[key_id])
        )


def _key(row: Mapping[Any, Any]) -> ApiKey:
    values = {column.name: row[column.name] for column in _COLUMNS}
    budget = None if row["budget"] is None else _budget.decode(row["budget"])
    return ApiKey(**values, scopes=frozenset(json.loads(row["scopes"])), budget=budget)


def _stored(budget: Budget | None) -> str | None:
    """A budget as text; None where nothing is limited."""
    return None if budget is None or budget.is_none else msgspec.json.encode(budget).decode()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> int:
    return time.time_ns() // 1_000_000
