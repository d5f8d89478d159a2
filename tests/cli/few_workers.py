"""A supervisor with workers that need no storage: each answers with its process id.

`python -m tests.cli.few_workers PORT COUNT`. `GET /slow` answers piece by piece for as long as the
worker is not asked to end; a worker whose folder holds `broken` ends before it is ready.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from talkwire.canon.errors import Unavailable
from talkwire.web.draining import Draining

_ending: list[bool] = []
_is_broken = Path("broken").exists()
_is_stubborn = Path("stubborn").exists()


async def _pid(_request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


async def _slow(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        while not _ending:
            yield "."
            await asyncio.sleep(0.01)
        yield "end"

    return StreamingResponse(pieces(), media_type="text/plain")


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    if _is_broken:
        raise Unavailable("there is something broken")
    over = asyncio.Event()

    async def drain() -> None:
        if _is_stubborn:
            await over.wait()
        _ending.append(True)

    async def at_once() -> None:
        over.set()

    draining = Draining(drain, at_once=at_once)
    draining.install()
    yield
    draining.remove()


def _application() -> Starlette:
    return Starlette(routes=[Route("/", _pid), Route("/slow", _slow)], lifespan=_lifespan)


def _work(argv: list[str]) -> int:
    from talkwire.cli.nursery import births
    from talkwire.cli.worker import Lifeline, attend

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    assert json.load(sys.stdin) == {"for": "tests"}
    lifeline = births(socket.socket(fileno=int(argv[0])), argv[1:])
    if lifeline is None:
        return 0

    def failed(error: Any) -> None:
        print(f"cannot start: {error.message}", file=sys.stderr, flush=True)

    return attend(Lifeline(lifeline), _application(), argv[1:], "a model", failed)


def _supervise(port: int, count: int) -> int:
    from talkwire.cli.serve import listen
    from talkwire.cli.workers import Supervisor

    def serving(model: str) -> None:
        print(f"serving {model}", file=sys.stderr, flush=True)

    return Supervisor(
        count,
        [listen("127.0.0.1", port)],
        {"for": "tests"},
        drain_s=5,
        on_serving=serving,
        command=[sys.executable, "-m", "tests.cli.few_workers", "worker"],
    ).run()


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        sys.exit(_work(sys.argv[2:]))
    sys.exit(_supervise(int(sys.argv[1]), int(sys.argv[2])))
