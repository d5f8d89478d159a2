"""An HTTP response of a model's server, read while it comes.

Written for streams of small pieces: whatever one network read brought is handed on in one wake-up,
and waiting costs one future, no task and no timer of its own. One timer a stream watches both
limits of time.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import httptools

from talkwire.canon.errors import (
    ModelError,
    UpstreamIncomplete,
    UpstreamInvalid,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.models._rounds import Rounds

HEAD_BYTES = 65_536
HELD_BYTES = 262_144
DRAIN_S = 2.0
DRAIN_BYTES = 65_536


class Socket(Protocol):
    """What an answer needs of its connection."""

    loop: asyncio.AbstractEventLoop
    rounds: Rounds

    def abort(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def left(self, answer: Answer, *, keep: bool) -> None: ...


class Answer:
    """A response: its head, then its body piece by piece. Owned by one reader.

    Close it always: `close` gives the socket up at once unless the body was read to its end;
    `release` lets the end of the body come by itself (for at most 2 s), so that the connection can
    serve again.
    """

    def __init__(self, connection: Socket, first_s: float, idle_s: float, *, reused: bool) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reused = reused
        self.begun = False
        self.ended = False
        self._connection = connection
        self._loop = connection.loop
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._pieces: list[bytes] = []
        self._held = 0
        self._headless = True
        self._overhead = 0
        self._paused = False
        self._keep = False
        self._extra = False
        self._error: ModelError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: int | None = None
        self._flowing = False
        self._until_close = False
        self._idle_s = idle_s
        self._since = now = self._loop.time()
        self._first_s = first_s
        self._first_due = now + first_s
        self._timer = self._loop.call_at(self._first_due, self._look)

    async def head(self) -> None:
        """Wait for the status and the headers. :raises ModelError: none came."""
        while self._headless:
            if self._error is not None:
                raise self._error
            await self.coming()

    async def read(self) -> bytes:
        """All of the body that has come since the last read; b"" at its end. See `take`."""
        while (body := self.take()) is None:
            await self.coming()
        return body

    def take(self) -> bytes | None:
        """All of the body that has come since the last time; b"" at its end, None for nothing yet.

        :raises UpstreamIncomplete: the connection was cut before the body's end.
        :raises ModelError: too slow, not HTTP, or given up.
        """
        pieces = self._pieces
        if not pieces:
            if self._error is not None:
                raise self._error
            return b"" if self.ended else None
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._held = 0
        if self._paused:
            self._paused = False
            self._connection.resume()
        return body

    def coming(self) -> asyncio.Future[None]:
        """Done once there may be more. A future and no coroutine: it is waited for every token."""
        self._since = self._loop.time()
        self._waiter = waiter = self._loop.create_future()
        return waiter

    async def read_whole(self, limit_bytes: int) -> bytes:
        """The body, cut at the limit and at whatever error ends it."""
        body = bytearray()
        try:
            while len(body) < limit_bytes:
                piece = await self.read()
                if not piece:
                    break
                body += piece
        except ModelError:
            pass  # the beginning tells enough of an error's body
        return bytes(body[:limit_bytes])

    def flowing(self) -> None:
        """The first token is here: from now on only silence is limited."""
        if not self._flowing:
            self._flowing = True
            self.headers = {}  # nobody asks for them any more, and the stream may be long
            self._rearm(self._idle_s)

    def ending(self, within_s: float) -> None:
        """All that matters has come: silence is borne for this long only."""
        self._flowing = True
        self._idle_s = min(self._idle_s, within_s)
        self._rearm(self._idle_s)

    def release(self) -> None:
        """Nothing more is read; the connection is kept if the body ends soon."""
        if self.ended or self._error is not None:
            self.close()
            return
        self._drained = 0
        self._pieces.clear()
        self._timer.cancel()
        self._timer = self._loop.call_later(DRAIN_S, self._connection.abort)
        if self._paused:
            self._paused = False
            self._connection.resume()

    def close(self) -> None:
        """Nothing more is read, and the socket is closed at once unless the body has ended."""
        if self._drained is not None and self._error is None:
            return
        self._timer.cancel()
        if self._error is None:
            self._error = UpstreamUnavailable("The connection to the model was given up.")
        self._connection.left(self, keep=self.ended and self._keep and not self._extra)

    # What the connection says.

    def received(self, data: bytes) -> None:
        """Bytes of a network read."""
        self.begun = True
        self._overhead += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            self.fail(UpstreamInvalid("The model's server wants to switch protocols."))
        except httptools.HttpParserError:
            self._broken()
        if self._overhead > HEAD_BYTES:
            self.fail(UpstreamInvalid("The model's server sends endless headers."))
        if self._drained is not None:
            self._drain(len(data))
            return
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if self._flowing:
                self._connection.rounds.wake(waiter)
            elif not waiter.done():
                waiter.set_result(None)

    def cut(self, error: BaseException | None) -> None:
        """The connection is closed."""
        if self.ended or self._error is not None:
            return
        if self._headless:
            self.fail(UpstreamUnavailable("The model's server closed the connection unanswered."))
        elif error is None and self._until_close:
            self._end()
        else:
            self.fail(UpstreamIncomplete("The connection to the model was cut in mid-answer."))

    def fail(self, error: ModelError) -> None:
        """Nothing good comes any more; what was read before is still given out."""
        if self._error is None and not self.ended:
            self._error = error
            self._connection.abort()
        self._wake()

    # What the parser says.

    def on_message_begin(self) -> None:
        self._extra = self.ended

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._headless = False
            self._overhead = 0
            framed = "content-length" in self.headers or "transfer-encoding" in self.headers
            self._until_close = not framed

    def on_body(self, body: bytes) -> None:
        self._overhead = 0
        if self._drained is not None or self.ended:
            return
        self._pieces.append(body)
        self._held += len(body)
        if self._held > HELD_BYTES and not self._paused:
            self._paused = True
            self._connection.pause()

    def on_message_complete(self) -> None:
        if self.status < 200:  # 1xx: the real head follows
            self.headers.clear()
            return
        self._keep = self._parser.should_keep_alive()
        self._overhead = 0
        self._end()

    # Below: how it is done.

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _end(self) -> None:
        self.ended = True
        self._timer.cancel()
        self._wake()

    def _broken(self) -> None:
        self._keep = False
        self.fail(UpstreamInvalid("The model's server does not speak HTTP/1.1."))

    def _drain(self, size: int) -> None:
        self._drained = (self._drained or 0) + size
        if self.ended:
            self._connection.left(self, keep=self._keep and not self._extra)
        elif self._drained > DRAIN_BYTES:
            self._connection.abort()

    def _rearm(self, after_s: float) -> None:
        if not self.ended and self._drained is None:
            self._timer.cancel()
            self._timer = self._loop.call_later(after_s, self._look)

    def _look(self) -> None:
        """The timer: nobody re-arms it a token, it looks by itself how long the silence is."""
        now = self._loop.time()
        if self._waiter is None:
            due = now + self._idle_s  # the reader is busy: the server is not to blame
        elif self._flowing:
            due = self._since + self._idle_s
        else:
            due = self._first_due
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
        elif self._flowing:
            self.fail(UpstreamTimeout(f"The model said nothing for {self._idle_s:g} s."))
        else:
            self.fail(UpstreamTimeout(f"The model said nothing within {self._first_s:g} s."))
