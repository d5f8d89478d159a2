"""Who asks: credentials to principals, and how often each may ask.

Everything needs a principal but the paths that are named `public`: what is forgotten is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import unquote_plus

import msgspec
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from talkwire.canon.errors import Unauthorized
from talkwire.web.admission import Admission, admit
from talkwire.web.keyring import Keyring
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.tickets import Tickets

_LOOKED_AT = frozenset({b"authorization", b"x-api-key"})
_PARAMETER = b"ticket="


class Gate:
    """ASGI middleware: tells who asks, and refuses who is unknown or asks too often.

    With `keyring` None the principal is there already. `ticketed` are the routes where a ticket
    is taken in place of a key. On the paths of `bearer` nothing but `Authorization: Bearer` will
    do, even where everyone else has been let in already. Who shows one elsewhere is who it says,
    so that what was begun with a key is there for it on every path.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        admission: Admission,
        keyring: Keyring | None = None,
        tickets: Tickets | None = None,
        public: Collection[str] = (),
        ticketed: Sequence[BaseRoute] = (),
        bearer: Collection[str] = (),
    ) -> None:
        self._app = app
        self._admission = admission
        self._keyring = keyring
        self._tickets = tickets
        self._public = frozenset(public)
        self._ticketed = tuple(ticketed)
        self._bearer = frozenset(bearer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """:raises Unauthorized: nobody that is known. :raises RateLimited: too often."""
        if scope["type"] == "http" and scope["path"] not in self._public:
            client = scope.get("client")
            await self._admission.rates.from_address(client[0] if client else "")
            principal: Principal | None = scope.get(PRINCIPAL)
            named = principal is None or scope["path"] in self._bearer or _shows_bearer(scope)
            if self._keyring is not None and named:
                principal = scope[PRINCIPAL] = await self._who(scope, self._keyring)
            if principal is not None:
                await self._admission.rates.request(principal)
                admit(scope, self._admission)
        await self._app(scope, receive, send)

    async def _who(self, scope: Scope, keyring: Keyring) -> Principal:
        credential = credential_of(scope)
        if scope["path"] in self._bearer and not _shows_bearer(scope):
            raise Unauthorized("A key is needed here, as Authorization: Bearer … and no other way.")
        if credential is not None:
            principal = await keyring.principal(credential)
        elif self._tickets is not None and self._takes_tickets(scope):
            principal = await self._by_ticket(scope, keyring, self._tickets)
        else:
            raise Unauthorized("A key is needed: Authorization: Bearer …, or X-API-Key.")
        if principal is None:
            raise Unauthorized("The key is not known, or opens nothing any more.")
        return principal

    def _takes_tickets(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or _PARAMETER not in scope.get("query_string", b""):
            return False
        return any(route.matches(scope)[0] is Match.FULL for route in self._ticketed)

    async def _by_ticket(
        self, scope: Scope, keyring: Keyring, tickets: Tickets
    ) -> Principal | None:
        ticket, scope["query_string"] = _without_ticket(scope["query_string"])
        if not 0 < len(ticket) <= 128:
            return None
        issued_to = await tickets.spend(ticket)
        if issued_to is None:
            return None
        principal = msgspec.json.decode(issued_to, type=Principal)
        return principal if await keyring.still(principal) else None


def credential_of(scope: Scope) -> str | None:
    """The key or token of the request; None when it has none.

    :raises Unauthorized: several that differ, or a scheme that is not `Bearer`.
    """
    given: set[str] = set()
    for name, value in scope["headers"]:
        if name not in _LOOKED_AT:
            continue
        text = value.decode("latin-1").strip()
        if name == b"authorization":
            scheme, _, text = text.partition(" ")
            text = text.strip()
            if scheme.lower() != "bearer" or not text:
                raise Unauthorized("Authorization must be Bearer and a key.")
        given.add(text)
    if len(given) > 1:
        raise Unauthorized("More than one key was given.")
    return given.pop() if given else None


def _shows_bearer(scope: Scope) -> bool:
    return any(
        name == b"authorization" and value.strip().lower().split(b" ", 1)[0] == b"bearer"
        for name, value in scope["headers"]
    )


def _without_ticket(query: bytes) -> tuple[str, bytes]:
    """The ticket, and the query without it: nothing behind the gate sees it."""
    parts = query.split(b"&")
    found = [part for part in parts if part.startswith(_PARAMETER)]
    rest = b"&".join(part for part in parts if not part.startswith(_PARAMETER))
    ticket = found[0].removeprefix(_PARAMETER) if len(found) == 1 else b""
    return unquote_plus(ticket.decode("latin-1")), rest
