"""Where a server keeps things, who else is on it, and who may ask. Nothing is changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

from talkwire.canon.errors import TalkwireError
from talkwire.canon.records import NodeRecord
from talkwire.cli.checks import Check, folder, sqlite
from talkwire.cli.places import redis as redis_place
from talkwire.cli.places import stored
from talkwire.settings import Settings

_MAKE_ONE = "make one: talkwire keys create --name NAME"


def storage(settings: Settings) -> Iterator[Check]:
    """The database, the nodes on it, Redis, and the mode of authentication."""
    if settings.database.is_postgres:
        found = postgres(settings)
        yield found
        current = {"ok": True, "note": False}.get(found.outcome)
        if current:
            yield from nodes(settings)
    else:
        yield folder(settings.data_dir)
        yield sqlite(settings.sqlite_path.parent)
        current = _is_current(settings)
    yield from redis(settings)
    yield access(settings, current=current)


def postgres(settings: Settings) -> Check:
    """Does the server answer, and is the schema this version's?"""
    from talkwire.storage import revision

    place = stored(settings)
    try:
        found, needed = revision(settings)
    except TalkwireError as error:
        hint = "Is DATABASE_URL right, and the server running?"
        said = error.message.replace("?.", "?")
        return Check("database", "broken", f"{place}: {said} {hint}")
    if found == needed:
        return Check("database", "ok", f"{place}, revision {found}")
    if found is None:
        hint = f"no schema yet; `talkwire db upgrade` makes it (revision {needed})"
        return Check("database", "note", f"{place}: {hint}")
    hint = "run `talkwire db upgrade`" if found < needed else "a newer Talkwire made it: update"
    return Check("database", "broken", f"{place}: revision {found}, needed {needed}; {hint}")


def nodes(settings: Settings) -> Iterator[Check]:
    """The processes on the database: those that beat, and those that should."""
    from talkwire.storage import nodes as found

    try:
        there = asyncio.run(found(settings))
    except TalkwireError as error:
        yield Check("nodes", "broken", error.message)
        return
    if not there:
        yield Check("nodes", "note", "none beats: no server runs on this database (talkwire serve)")
    for node in there:
        yield _node(node, settings.node.dead_after_s)


def _node(node: NodeRecord, dead_after_s: float) -> Check:
    part, silent_s = f"node {node.id}", node.silent_ms / 1000
    where = f"{node.host or 'unknown host'} (pid {node.pid})"
    turns = f"{len(node.turns)} turns"
    if silent_s < dead_after_s:
        return Check(part, "ok", f"{where}, beat {silent_s:.1f} s ago, {turns}")
    hint = "the next node that beats takes its turns over; is any other running?"
    return Check(part, "note", f"{where}, silent for {silent_s:.0f} s, {turns}: {hint}")


def redis(settings: Settings) -> Iterator[Check]:
    """Redis, where one is configured, or would be of use."""
    from talkwire.storage import redis_fault

    place = redis_place(settings)
    if place is None:
        if settings.database.is_postgres:
            hint = "nodes look for themselves twice a second, and count limits each by itself"
            yield Check("Redis", "note", f"none configured (REDIS_URL): {hint}")
        return
    fault = asyncio.run(redis_fault(settings))
    if fault is None:
        yield Check("Redis", "ok", f"{place} takes writes")
        return
    hint = "servers do without it, and slower; is REDIS_URL right, and Redis running?"
    yield Check("Redis", "broken", f"{place}: {fault}; {hint}")


def access(settings: Settings, *, current: bool | None) -> Check:
    """Who may ask. Keys are counted where the schema is `current`; without one there are none.

    `current` None: the database cannot be looked at.
    """
    hosts = ", ".join(sorted({host for host, _ in settings.addresses}))
    if not settings.asks_for_keys:
        return _open(settings, hosts)
    why = "auth.mode" if settings.auth.mode == "keys" else f"bound to {hosts}"
    jwt = settings.auth.jwt
    tokens = jwt.secret is not None or jwt.jwks_url is not None
    told = f"keys are asked for ({why})" + (f", or tokens of {jwt.issuer}" if tokens else "")
    counted = _open_keys(settings) if current else (0, 0)
    if current is None or counted is None:
        return Check("access", "note", f"{told}; how many there are cannot be told now")
    made, opening = counted
    if opening or tokens:
        return Check("access", "ok", f"{told}; {opening} of {made} keys open")
    if made:
        return Check("access", "broken", f"{told}, and none of {made} opens any more; {_MAKE_ONE}")
    hint = f"the first start makes and prints one, or {_MAKE_ONE}"
    return Check("access", "note", f"{told}, and there is none yet; {hint}")


def _open(settings: Settings, hosts: str) -> Check:
    why = "open" if settings.open else f"auth.mode {settings.auth.mode}"
    if settings.listens_near:
        return Check("access", "ok", f"no key is asked for ({why}); only this machine reaches it")
    hint = "everyone who reaches it may ask, and spend; without that setting keys are asked for"
    return Check("access", "note", f"no key is asked for on {hosts} ({why}): {hint}")


def _open_keys(settings: Settings) -> tuple[int, int] | None:
    """How many keys there are, and how many of them open something now."""
    from talkwire.access import keys

    async def count() -> tuple[int, int]:
        async with keys(settings) as opened:
            found = await opened.list()
        now = time.time_ns() // 1_000_000
        return len(found), sum(key.opens(now) for key in found)

    with suppress(TalkwireError):
        return asyncio.run(count())
    return None


def _is_current(settings: Settings) -> bool | None:
    """False where there is no schema yet; None where it cannot be told, or is another version's."""
    from talkwire.storage import revision

    with suppress(TalkwireError):
        found, needed = revision(settings)
        return found == needed if found in (None, needed) else None
    return None
