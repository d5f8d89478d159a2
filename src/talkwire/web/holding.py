"""Streams that are held back until it is known how they begin, so that their status is true.

For wires whose clients look at the HTTP status alone: a turn that fails before its first frame is
an error like any other. Held back is the head of the answer; the turn runs as all do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.events import TurnFailed
from talkwire.engine.reader import Reader, ReaderCut
from talkwire.web.faults import answer
from talkwire.web.form import Encoder, Form
from talkwire.web.limits import ClientLeft
from talkwire.web.sse import EventStream
from talkwire.web.start import Door
from talkwire.web.whole import failure, followed_no_more, leaving


class Begun(Struct, frozen=True):
    """How a stream begins: with these frames, or with the end of a turn that has said nothing."""

    head: Sequence[bytes] = ()
    failed: TurnFailed | None = None


async def follow(door: Door, request: Request, turn_id: str) -> Response:
    """The turn's stream from its start, as `Door.follow`; or its failure, with its own status,
    where that comes first. After a time without either it is a stream that begins with a heartbeat.
    The request's body has been read.

    :raises ClientLeft: nobody waits for it any more; the turn does not end by that.
    :raises Draining: it can be followed no longer here, and nothing was sent yet.
    :raises NotFound: :raises RateLimited: as `Door.start`.
    """
    reader = await door.reader(request, turn_id)
    encoder = door.form.encoder(reader.turn_id, reader.session_id)
    left = asyncio.create_task(leaving(request, reader))
    try:
        begun = await _begun(reader, encoder, left, form=door.form, wait_s=door.limits.heartbeat_s)
    except ReaderCut:
        reader.close()
        raise followed_no_more() from None
    except BaseException:
        reader.close()
        raise
    finally:
        left.cancel()
        await asyncio.wait([left])
    if begun.failed is None:
        return EventStream(reader, encoder, door.form, door.limits, head=begun.head)
    reader.close()
    response = answer(failure(begun.failed), request.scope)
    response.headers["X-Turn-Id"] = reader.turn_id
    response.headers["X-Session-Id"] = reader.session_id
    return response


async def _begun(
    reader: Reader, encoder: Encoder, left: asyncio.Task[None], *, form: Form, wait_s: float
) -> Begun:
    silent = False

    def break_silence() -> None:
        nonlocal silent
        silent = True
        reader.poke()

    timer = asyncio.get_running_loop().call_later(wait_s, break_silence)
    try:
        while True:
            batch = await reader.next()
            if frames := encoder.feed(batch):
                end = batch[-1].event
                if isinstance(end, TurnFailed) and len(frames) == 1:
                    return Begun(failed=end)
                return Begun(frames)
            if left.done():
                raise ClientLeft("The client left.")
            if silent:
                beat = form.heartbeat
                return Begun([beat] if isinstance(beat, bytes) else [])
    finally:
        timer.cancel()
