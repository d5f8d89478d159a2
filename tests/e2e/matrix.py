"""Every route that names something, asked for by those who do not own it.

The routes are those of the OpenAPI document, so that new ones are asked for by themselves.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talkwire.app import build
from talkwire.engine.ids import new_id
from talkwire.settings import AuthSettings, Settings
from tests.e2e.keyed import KEYS_MODE, Key, Whole, make_key, whole
from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.wire_client import asking
from tests.web.forms import TYPE, form, part

PUBLIC = {"/", "/health", "/health/liveness", "/health/readiness", "/healthz"}
SHARED = {"name"}  # parameters that name what belongs to all: prompts
FOR_ADMINS = {"/sessions/user/{user_id}/stats"}  # what admins see of everybody
BODIES: dict[str, Any] = {
    "/messages/{message_id}/edit": {"input": "Another"},
    "/api/tools/{tool_call_id}/decision": {"approve": True},
    "/chat/message": {"session_id": "{session_id}", "content": "Hi"},
    "/chat/message/stream": {"session_id": "{session_id}", "content": "Hi"},
}
"""What is asked for where a path alone is not enough; some name in it what their paths do not."""

UPLOADS = {"/chat/voice"}
"""Paths that take a form with a file, and a session's id in it."""

_TOOLS = """
from talkwire.tools import tool


@tool
def rows() -> str:
    "Gives many rows."
    return "row " * 1000


@tool(requires_approval=True)
def asks() -> str:
    "Asks first."
    return "done"
"""

# What makes a control of it: the store compares no owner with anything.
OWNERLESS = """
import sqlalchemy
from talkwire.stores import schema

class Anyones(sqlalchemy.String):
    class comparator_factory(sqlalchemy.String.Comparator):
        def __eq__(self, other):
            return sqlalchemy.true()

for table in schema.metadata.tables.values():
    if "owner" in table.c:
        table.c.owner.type = Anyones()
"""


def routes() -> list[tuple[str, str]]:
    """Method and path of all there are."""
    settings = Settings(data_dir=Path("unused"), use_mock=True, auth=AuthSettings(mode="keys"))
    paths = build(settings).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


ROUTES = routes()
CLOSED = [(method, path) for method, path in ROUTES if path not in PUBLIC]
NAMING = UPLOADS | {path for path, body in BODIES.items() if "{" in str(list(body.values()))}
OWNED = [
    (m, p)
    for m, p in CLOSED
    if p in NAMING or ("{" in p and not any(f"{{{s}}}" in p for s in SHARED))
]


@dataclass(frozen=True)
class Place:
    """A server, three keys, and what the first one's owner has there."""

    server: Server
    ann: Key
    bob: Key
    admin: Key
    none: Key
    theirs: dict[str, str]

    def missing(self) -> dict[str, str]:
        """The same kinds of ids, of nothing."""
        turn = new_id("t_")
        session = new_id("s_")
        ids = {"turn_id": turn, "message_id": f"msg_{turn}_in", "session_id": session}
        ids |= {"doomed": session, "user_id": "nobody"}
        call, undecided = len(self.theirs["tool_call_id"]), len(self.theirs["undecided"])
        return {**ids, "tool_call_id": "y" * call, "undecided": "z" * undecided}


def config(folder: Path, provider: Provider) -> dict[str, Any]:
    """The server's: a model that does what it is told, and tools."""
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / "mine.py"
    module.write_text(_TOOLS)
    tools = {"module": str(module), "summarize_over": 1000}
    return {**KEYS_MODE, "models": [provider.model(max_attempts=1)], "tools": tools}


@contextmanager
def provided() -> Iterator[Provider]:
    """A provider for fixtures that have no event loop: it has one of its own."""
    loop, provider = asyncio.new_event_loop(), Provider()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result(10)
        yield provider
        asyncio.run_coroutine_threadsafe(provider.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def made(server: Server) -> dict[str, Key]:
    """The keys of a `Place`."""
    return {
        "ann": make_key(server, "--name", "ann"),
        "bob": make_key(server, "--name", "bob", "--user", "bob"),
        "admin": make_key(server, "--admin"),
        "none": make_key(server, "--scopes", "metrics"),
    }


async def furnished(server: Server, keys: dict[str, Key]) -> Place:
    """The place, once something of each kind is there."""
    turn_id = (await _turn(server, keys["ann"], "Hello!", "holidays"))["turn.started"]["turn_id"]
    long = await _turn(server, keys["ann"], "words=1 tool=rows", "long")
    asked = await _turn(server, keys["ann"], "words=1 tool=asks", "asked")
    await _turn(server, keys["ann"], "Hello!", "doomed")  # its owner deletes it
    label = {"user_id": "customer-5"}
    await whole(server, "POST", "/chat/session", body=label, headers=keys["ann"].headers)
    theirs = {
        "turn_id": turn_id,
        "message_id": f"msg_{turn_id}_in",
        "session_id": "holidays",
        "doomed": "doomed",
        **label,
        "tool_call_id": long["tool.called"]["call_id"],
        "undecided": asked["tool.approval_requested"]["call_id"],
    }
    return Place(server, **keys, theirs=theirs)


async def _turn(server: Server, who: Key, text: str, session_id: str) -> dict[str, Any]:
    """What each kind of event told last."""
    headers = who.headers | {"Accept": "text/event-stream"}
    body = {"input": text, "session_id": session_id}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        return {frame.event: frame.data async for frame in answer.frames()}


def filled(path: str, ids: dict[str, str], method: str = "GET") -> str:
    """The path with ids; a new kind of parameter has to be told here what it names."""
    if method == "DELETE":
        ids = {**ids, "session_id": ids["doomed"]}
    if path.endswith("/decision"):
        ids = {**ids, "tool_call_id": ids["undecided"]}
    return path.replace(":path", "").format(**ids, name="default")


def filled_body(path: str, ids: dict[str, str]) -> dict[str, Any]:
    """What is asked for, with ids; what has a name in it that is no id stays as it is."""
    asked = BODIES.get(path, {})
    if path not in NAMING:
        return dict(asked)
    return {name: str(value).format(**ids) for name, value in asked.items()}


async def as_who(place: Place, who: Key, method: str, path: str, ids: dict[str, str]) -> Whole:
    """The answer without the ids."""
    body: Any = None if method in ("GET", "DELETE") else filled_body(path, ids)
    headers = dict(who.headers)
    if path in UPLOADS:
        body = form(part("session_id", ids["session_id"].encode()), part("audio", b"?"))
        headers["Content-Type"] = TYPE
    target = filled(path, ids, method)
    answer = await whole(place.server, method, target, body=body, headers=headers)
    return answer.without(*ids.values())


async def crossing(place: Place, who: Key, method: str, path: str) -> str | None:
    """What tells somebody else that a thing is there; None: nothing does, or it may be told."""
    if who == place.admin and path in FOR_ADMINS:
        return None
    foreign = await as_who(place, who, method, path, place.theirs)
    missing = await as_who(place, who, method, path, place.missing())
    if foreign == missing and foreign.status == 404:
        return None
    return f"{method} {path}: {foreign.status}, and {missing.status} where there is nothing"
