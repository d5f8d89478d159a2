"""Answers that are not streamed: a turn's stream, folded to its end."""

from __future__ import annotations

import asyncio
from typing import Protocol, TypeVar

from starlette.requests import Request

from talkwire.canon import errors
from talkwire.canon.errors import Draining, TalkwireError
from talkwire.canon.events import Stamped, TurnFailed
from talkwire.canon.fold import TurnState
from talkwire.engine.reader import Reader, ReaderCut
from talkwire.web.limits import ClientLeft
from talkwire.web.start import Door

_STATUS = {
    kind.code: kind.status
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TalkwireError)
}


class Fold(Protocol):
    """What becomes of a turn's events, one by one from 0."""

    def apply(self, stamped: Stamped) -> None:
        """Fold one event in."""
        ...


F = TypeVar("F", bound=Fold)


async def whole(door: Door, request: Request, turn_id: str) -> TurnState:
    """Where the turn stands when it has ended: see `folded`."""
    return await folded(door, request, turn_id, TurnState())


async def folded(door: Door, request: Request, turn_id: str, state: F) -> F:
    """The state with all of the turn folded in. The request's body has been read.

    :raises ClientLeft: nobody waits for it any more; the turn does not end by that.
    :raises Draining: it can be followed no longer here.
    """
    reader = await door.reader(request, turn_id)
    left = asyncio.create_task(leaving(request, reader))
    try:
        while not reader.ended:
            for stamped in await reader.next():
                state.apply(stamped)
            if left.done() and not reader.ended:
                raise ClientLeft("The client left.")
    except ReaderCut:
        raise followed_no_more() from None
    finally:
        reader.close()
        left.cancel()
        await asyncio.wait([left])
    return state


def failure(end: TurnFailed) -> TalkwireError:
    """The end of a turn that failed, as the answer of a route without a stream."""
    error = TalkwireError(end.message, code=end.code)
    error.status = _STATUS.get(end.code, TalkwireError.status)
    error.retryable = end.retryable
    return error


def followed_no_more() -> Draining:
    """For whoever has seen nothing yet of a turn that goes on elsewhere."""
    return Draining(
        "The server stops following the answer, which goes on: ask again with the same"
        " Idempotency-Key, or look into the conversation in a moment."
    )


async def leaving(request: Request, reader: Reader) -> None:
    """Returns when the client has gone, and lets whoever waits for the reader look."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    reader.poke()
