"""Several addresses in one process, each with the wires it is for.

Clients of different wires expect them on ports of their own. Everything that belongs to no wire
(health, the service's description) is served everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from talkwire.canon.errors import NotFound

_SERVED = "talkwire.wires"


@dataclass(frozen=True)
class Listener:
    """An address, and the names of the wires that are served there; None is all of them."""

    host: str
    port: int
    wires: frozenset[str] | None = None


class Listeners:
    """ASGI middleware: on each listener, the routes of other wires are not there.

    `routes` are each wire's; one that several wires have is there where one of them is, and
    `served_here` tells it which. A request is told apart by the address it arrived at; where that
    is not one of the listeners' own words (`0.0.0.0`, a name), by the port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        listeners: Sequence[Listener],
        routes: Mapping[str, Sequence[BaseRoute]],
    ) -> None:
        self._app = app
        self._listeners = tuple(listeners)
        self._routes = {name: tuple(each) for name, each in routes.items()}
        self._known: dict[tuple[str, int], frozenset[str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """:raises NotFound: the path is another listener's."""
        if scope["type"] == "http" and scope.get("server"):
            host, port = scope["server"]
            served = self._known.get((host, port))
            if served is None:
                served = self._known[host, port] = frozenset(self._served(host, port))
            if len(served) < len(self._routes):
                if self._is_elsewhere(scope, served):
                    raise NotFound("Not Found")
                scope[_SERVED] = served
        await self._app(scope, receive, send)

    def _served(self, host: str, port: int | None) -> Collection[str]:
        near = [each for each in self._listeners if each.port == port]
        exact = [each for each in near if each.host == host] or near
        names: set[str] = set()
        for listener in exact:
            names |= set(self._routes) if listener.wires is None else listener.wires
        return names & set(self._routes) if exact else set(self._routes)

    def _is_elsewhere(self, scope: Scope, served: Collection[str]) -> bool:
        """The path is a route of wires, and of none that is served here."""
        of = {name for name, routes in self._routes.items() if _any(routes, scope)}
        return bool(of) and not of & set(served)


def served_here(scope: Scope) -> frozenset[str] | None:
    """The wires of the listener that a request came to; None is all of them."""
    served: frozenset[str] | None = scope.get(_SERVED)
    return served


def _any(routes: Sequence[BaseRoute], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is not Match.NONE for route in routes)
