"""An HTTP response of a model's server, read while it comes.

Written for streams of small pieces: what network reads brought is handed on where they are read,
and no task is woken for it. One timer a stream watches both limits of time.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

import httptools

from talkwire.canon.errors import (
    ModelError,
    UpstreamIncomplete,
    UpstreamInvalid,
    UpstreamUnavailable,
)
from talkwire.models._rounds import A_READ, Rounds
from talkwire.models._silence import Silence

HEAD_BYTES = 65_536
HELD_BYTES = 262_144
DRAIN_S = 2.0
DRAIN_BYTES = 65_536

Enough = object()
"""What a sink says when it wants nothing more."""

Sink = Callable[[bytes], Awaitable[object] | object | None]
"""Takes a piece of the body, b"" at its end. What it gives back is waited for, unless `Enough`."""


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
        self.begun = self.ended = False
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
        self._waiter: asyncio.Future[object] | None = None
        self._sink: Sink | None = None
        self._context = contextvars.Context()
        self._queued = False
        self._drained: int | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._until_close = False
        self._silence = Silence(self, self._loop, first_s, idle_s)

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

    async def pour(self, sink: Sink) -> None:
        """Give the body to the sink as it comes, to its end or until the sink has `Enough`.

        Once the stream flows the sink is called in rounds with other answers (see `Rounds`) and in
        the caller's context, while the caller's task sleeps. What it raises is raised here.

        :raises ModelError: as `take`.
        """
        self._context = contextvars.copy_context()
        while True:
            body = self.take()
            if body is None:
                self._sink = sink
                said = await self.coming()
                self._sink = None
            else:
                said = sink(body)
            if said is Enough or body == b"":
                return
            if said is not None:
                await cast(Awaitable[object], said)

    def coming(self) -> asyncio.Future[object]:
        """Done once there may be more, or with what a sink said."""
        self._silence.since = self._loop.time()
        self._waiter = waiter = self._loop.create_future()
        return waiter

    @property
    def awaited(self) -> bool:
        """True while somebody waits."""
        return self._waiter is not None

    def flowing(self) -> None:
        """The first token is here: from now on only silence is limited."""
        if not self._silence.flowing:
            self.headers = {}  # nobody asks for them any more, and the stream may be long
            self._silence.flow()

    def ending(self, within_s: float) -> None:
        """All that matters has come: silence is borne for this long only."""
        if not self.ended:
            self._silence.flow(within_s)

    def release(self) -> None:
        """Nothing more is read; the connection is kept if the body ends soon."""
        if self.ended or self._error is not None:
            self.close()
            return
        self._drained = 0
        self._pieces.clear()
        self._silence.stop()
        self._deadline = self._loop.call_later(DRAIN_S, self._connection.abort)
        if self._paused:
            self._paused = False
            self._connection.resume()

    def close(self) -> None:
        """Nothing more is read, and the socket is closed at once unless the body has ended."""
        if self._drained is not None and self._error is None:
            return
        self._silence.stop()
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
            self._keep = False
            self.fail(UpstreamInvalid("The model's server does not speak HTTP/1.1."))
        if self._overhead > HEAD_BYTES:
            self.fail(UpstreamInvalid("The model's server sends endless headers."))
        if self._drained is not None:
            self._drain(len(data))
            return
        if self._waiter is None:
            return
        if not self._silence.flowing:
            self._give(self._loop.time())
            return
        self._connection.rounds.load += A_READ + len(data)
        if not self._queued:
            self._queued = True
            self._connection.rounds.join(self._give)

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

    def _give(self, now: float) -> None:
        """Hand what has come to the sink; wake the reader for whatever is not more of the same."""
        self._queued = False
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        said: object = None
        if self._sink is not None and self._pieces:
            self._silence.since = now
            try:
                said = self._context.run(self._sink, self.take() or b"")
            except Exception as error:  # it is the reader's, whose task waits
                self._waiter = None
                waiter.set_exception(error)
                return
            if said is None:
                return
        self._waiter = None
        waiter.set_result(said)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _end(self) -> None:
        self.ended = True
        self._silence.stop()
        if self._deadline is not None:
            self._deadline.cancel()
        self._wake()

    def _drain(self, size: int) -> None:
        self._drained = (self._drained or 0) + size
        if self.ended:
            self._connection.left(self, keep=self._keep and not self._extra)
        elif self._drained > DRAIN_BYTES:
            self._connection.abort()
