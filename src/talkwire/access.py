"""Who may ask: keys, tokens, tickets and limits, made of settings.

Building opens nothing; `begin` belongs into the application's lifespan.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from talkwire.settings import JwtSettings, Settings, language
from talkwire.storage import database_of
from talkwire.stores.database import Database
from talkwire.stores.keys import SqlKeys
from talkwire.stores.tickets import SqlTickets
from talkwire.web import tickets as ticket_routes
from talkwire.web.admission import Admission
from talkwire.web.document import Doors
from talkwire.web.edge import Edge
from talkwire.web.gate import Gate
from talkwire.web.keyring import Keyring, Verify
from talkwire.web.principals import GUEST, LOCAL, Principal
from talkwire.web.rates import Counters, MemoryCounters, Rates

PUBLIC = frozenset({"/", "/health", "/health/liveness", "/health/readiness", "/healthz"})
_FIRST = {
    "en": "No key has been made yet. This is the first one, for an admin; it is not shown again:",
    "zh": "尚未创建任何密钥。以下是首个管理员密钥，只显示这一次：",
}


@dataclass(frozen=True)
class Access:
    """All that tells who asks. `open_to_all`: no key is asked for, but where a wire asks for one
    always; with `keyring` None it does not either.
    """

    keys: SqlKeys
    tickets: SqlTickets
    admission: Admission
    keyring: Keyring | None
    open_to_all: bool
    makes_first_key: bool
    limited: bool

    @property
    def everyone(self) -> Principal | None:
        """Who asks, where nobody is asked for a key."""
        if not self.open_to_all:
            return None
        return LOCAL if self.keyring is None else GUEST


def access(settings: Settings, database: Database, counters: Counters | None = None) -> Access:
    """As the settings ask for it. `counters` are those of this process where none are given."""
    limits = settings.limits
    rates = Rates(
        counters or MemoryCounters(),
        rpm=limits.rpm,
        tpm=limits.tpm,
        address_rpm=limits.address_rpm,
    )
    keys = SqlKeys(database)
    verify = _verify(settings.auth.jwt)
    asks, near = settings.asks_for_keys, settings.listens_near
    keyring = Keyring(keys, verify) if asks or not near else None
    limited = (limits.rpm, limits.tpm, limits.address_rpm, limits.streams) != (None,) * 4
    return Access(
        keys=keys,
        tickets=SqlTickets(database),
        admission=Admission(rates, streams=limits.streams),
        keyring=keyring,
        open_to_all=not asks,
        makes_first_key=asks and verify is None,
        limited=limited,
    )


def add_gate(
    app: Edge,
    who: Access,
    wires: Mapping[str, Sequence[BaseRoute]],
    *,
    bearer: Collection[str] = (),
    proxies: Sequence[str] = (),
) -> None:
    """The routes of tickets, and the middleware. Nothing of it where all is open to all.

    The paths of `bearer` ask for a key always, but on a server for its own machine alone; a key
    that is shown is looked at wherever there may be any. What
    `proxies` (addresses and networks) say of where a request came from is believed.
    """
    app.doors = Doors(PUBLIC, bearer, who.open_to_all)
    if not who.open_to_all:
        app.include_router(ticket_routes.router(who.tickets))
    if who.keyring is not None or who.limited:
        app.add_middleware(
            Gate,
            admission=who.admission,
            keyring=who.keyring,
            tickets=who.tickets,
            public=PUBLIC,
            bearer=bearer,
            ticketed=[route for routes in wires.values() for route in routes if _streams(route)],
        )
        if proxies:
            app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))


async def begin(who: Access, stack: AsyncExitStack) -> None:
    """With the database open: make the first key if there is none, and watch for revoked ones."""
    if who.keyring is None:
        return
    if who.makes_first_key:
        text = await who.keys.create_first()
        if text is not None:
            # Not a log line: it is for the person who looks on, once.
            print(f"{_FIRST[language()]}\n{text}", file=sys.stdout, flush=True)
    watching = asyncio.create_task(who.keyring.watch(who.admission))
    stack.push_async_callback(_end, watching)


@asynccontextmanager
async def keys(settings: Settings) -> AsyncIterator[SqlKeys]:
    """The keys in the database of these settings, beside whatever else uses it.

    :raises StorageUnavailable: the database cannot be opened.
    """
    database = database_of(settings)
    await database.open()
    try:
        yield SqlKeys(database)
    finally:
        await database.close()


def _verify(jwt: JwtSettings) -> Verify | None:
    if jwt.secret is None and jwt.jwks_url is None:
        return None
    from talkwire.web.tokens import Tokens
    from talkwire.web.tokens_keyset import KeySet

    return Tokens(
        issuer=jwt.issuer or "",
        audience=jwt.audience or "",
        secret=jwt.secret.get_secret_value() if jwt.secret else None,
        find_key=KeySet(jwt.jwks_url).find if jwt.jwks_url else None,
        algorithms=jwt.algorithms,
        claim_user=jwt.claim_user,
        claim_scopes=jwt.claim_scopes,
        scope_names=jwt.scope_names,
        leeway_s=jwt.leeway_s,
    ).verify


def _streams(route: BaseRoute) -> bool:
    """The route says of itself that it is a GET that answers with a stream."""
    return (
        isinstance(route, APIRoute)
        and "GET" in (route.methods or ())
        and "text/event-stream" in dict(route.responses.get(200, {})).get("content", {})
    )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
