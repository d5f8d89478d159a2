"""`talkwire keys`: who may ask. Works on the database itself, also while servers run on it."""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from msgspec import structs

from talkwire.canon.budgets import Budget
from talkwire.canon.errors import NotFound, TalkwireError
from talkwire.canon.keys import SCOPES, USUAL_SCOPES, ApiKey, NewKey, is_user, unknown_scopes
from talkwire.cli.serve import REFUSED, Hindrance, check_folder, settings_of
from talkwire.cli.words import say

_FAILED = 1
_SPAN = re.compile(r"([1-9][0-9]{0,6})([dhm])")
_SECONDS = {"d": 86_400, "h": 3600, "m": 60}


class Keys(Protocol):
    """What the commands ask of the store."""

    async def create(self, new: NewKey) -> tuple[ApiKey, str]: ...
    async def list(self) -> list[ApiKey]: ...
    async def revoke(self, key_id: str) -> ApiKey: ...


class Asked(NamedTuple):
    """The options of `create`, as they were typed."""

    name: str = ""
    user: str | None = None
    admin: bool = False
    scopes: str | None = None
    expires: str | None = None
    rpm: int | None = None
    tpm: int | None = None
    budget: Budget = Budget()


def create(asked: Asked, config: Path | None, data_dir: Path | None) -> int:
    """Make a key and print it, alone and last on stdout. The exit status."""
    try:
        new = wanted(asked, time.time())
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return REFUSED

    async def work(keys: Keys) -> int:
        key, text = await keys.create(new)
        print(say("key_made", id=key.id, owner=key.owner), file=sys.stderr, flush=True)
        print(text, flush=True)
        return 0

    return _run(work, config, data_dir)


def show(config: Path | None, data_dir: Path | None, *, as_json: bool) -> int:
    """Print all keys, oldest first. The exit status."""

    async def work(keys: Keys) -> int:
        found = await keys.list()
        if as_json:
            json.dump([_plain(key) for key in found], sys.stdout, ensure_ascii=False, indent=2)
            print()
        elif found:
            _table(found)
        else:
            print(say("no_keys"), file=sys.stderr)
        return 0

    return _run(work, config, data_dir)


def revoke(key_id: str, config: Path | None, data_dir: Path | None) -> int:
    """Revoke a key. The exit status: 1 when there is no such key."""

    async def work(keys: Keys) -> int:
        try:
            await keys.revoke(key_id)
        except NotFound:
            print(say("no_key", id=key_id), file=sys.stderr)
            return _FAILED
        print(say("key_revoked", id=key_id), file=sys.stderr)
        return 0

    return _run(work, config, data_dir)


def wanted(asked: Asked, now_s: float) -> NewKey:
    """The key that is asked for. :raises ValueError: with what to type instead."""
    scopes = SCOPES if asked.admin else USUAL_SCOPES
    if asked.scopes is not None:
        scopes = frozenset(word.strip() for word in asked.scopes.split(",") if word.strip())
        if wrong := unknown_scopes(scopes):
            known = ", ".join(sorted(SCOPES))
            raise ValueError(say("bad_scopes", names=", ".join(wrong), known=known))
    if asked.user is not None and not is_user(asked.user):
        raise ValueError(say("bad_user"))
    if any(limit is not None and limit < 1 for limit in (asked.rpm, asked.tpm)):
        raise ValueError(say("bad_limit"))
    for _, tokens, cost in asked.budget.limits():
        if (tokens is not None and tokens < 1) or (cost is not None and not 0 < cost < math.inf):
            raise ValueError(say("bad_budget"))
    return NewKey(
        name=asked.name,
        user=asked.user,
        admin=asked.admin,
        scopes=scopes,
        expires_at=None if asked.expires is None else expiry(asked.expires, now_s),
        rpm=asked.rpm,
        tpm=asked.tpm,
        budget=asked.budget,
    )


def expiry(text: str, now_s: float) -> int:
    """Unix milliseconds of `30d`, `12h`, `45m` from now, or of an ISO date or time (UTC).

    :raises ValueError: none of these, or not to come.
    """
    span = _SPAN.fullmatch(text.strip().lower())
    try:
        if span:
            at = now_s + int(span[1]) * _SECONDS[span[2]]
        else:
            named = datetime.fromisoformat(text.strip())
            at = (named if named.tzinfo else named.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        at = 0
    if at <= now_s:
        raise ValueError(say("bad_expiry"))
    return int(at * 1000)


def _run(work: Callable[[Keys], Awaitable[int]], config: Path | None, data_dir: Path | None) -> int:
    from talkwire.access import keys

    loaded = settings_of(config, {"data_dir": data_dir})
    if loaded is None:
        return REFUSED

    async def with_keys() -> int:
        async with keys(loaded.settings) as opened:
            return await work(opened)

    try:
        if not loaded.settings.database.is_postgres:
            check_folder(loaded.settings.data_dir)
        return asyncio.run(with_keys())
    except Hindrance as hindrance:
        print(hindrance, file=sys.stderr)
        return REFUSED
    except TalkwireError as error:
        print(say("no_storage", reason=error.message), file=sys.stderr)
        return _FAILED


def _plain(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "user": key.user,
        "admin": key.admin,
        "scopes": sorted(key.scopes),
        "status": _status(key),
        "created_at": _when(key.created_at),
        "expires_at": _when(key.expires_at),
        "revoked_at": _when(key.revoked_at),
        "last_used_at": _when(key.last_used_at),
        "rpm": key.rpm,
        "tpm": key.tpm,
        "budget": None if key.budget is None else structs.asdict(key.budget),
    }


def _status(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "open" if key.opens(time.time_ns() // 1_000_000) else "expired"


def _when(at: int | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")


def _limits(budget: Budget) -> str:
    """A line for each period that is limited."""
    lines = []
    for period, tokens, cost in budget.limits():
        told = [] if tokens is None else [f"{tokens:,} tokens"]
        told += [] if cost is None else [f"cost {cost:g}"]
        lines.append(f"{period}: {', '.join(told)}")
    return "\n".join(lines)


def _table(found: list[ApiKey]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    columns = ("id", "name", "user", "status", "scopes", "expires", "last used", "rpm", "tpm")
    table = Table(*columns, "budget")
    table.columns[0].no_wrap = True
    for key in found:
        cells = (
            key.id,
            key.name,
            key.user,
            _status(key),
            "admin" if key.admin else " ".join(sorted(key.scopes)),
            _when(key.expires_at),
            _when(key.last_used_at),
            key.rpm,
            key.tpm,
            None if key.budget is None else _limits(key.budget),
        )
        table.add_row(*("-" if cell is None else escape(str(cell)) for cell in cells))
    Console(highlight=False).print(table)
