"""The application object: FastAPI, with a short way out for streams."""

from __future__ import annotations

from typing import Protocol

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

_LATER = "talkwire.later"


class Run(Protocol):
    """The rest of a response: see `later`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Edge(FastAPI):
    """FastAPI that runs streams behind its middleware instead of inside it.

    Routing and a dozen layers of middleware decide what is answered; each keeps a coroutine and
    puts another one around `send`. A stream needs none of that once it begins: a response that
    asks for it (`later`) is run when all of them have returned, with the server's own `send`.
    For two thousand open streams that is their frames' memory, and several calls a token.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        waiting: list[Run] = []
        # A copy, since routing hangs the request's whole scaffolding on the scope it is given.
        await super().__call__({**scope, _LATER: waiting}, receive, send)
        if waiting:
            await waiting[0](scope, receive, send)


def later(scope: Scope, run: Run) -> bool:
    """Run the response behind the middleware; False where there is no `Edge` around it."""
    waiting: list[Run] | None = scope.get(_LATER)
    if waiting is None:
        return False
    waiting.append(run)
    return True
