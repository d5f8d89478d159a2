"""Work that is done for somebody who waits for it, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from talkwire.web.limits import ClientLeft

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled when the client leaves. The body has been read.

    :raises ClientLeft: nobody waits for it any more.
    """
    working, left = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait((working, left), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft("The client left.")
        return working.result()
    finally:
        working.cancel()
        left.cancel()
        await asyncio.wait((working, left))


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
