"""The writer of streams: a plain ASGI response over a reader and an encoder.

One send for whatever a commit brought, made right where the commit is told. Nothing is made for
each token: no task is woken, no time-out, no queue. One timer for each stream watches silence
(heartbeats) and sends that do not return (a client that does not read); it is armed again when it
fires only.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from talkwire.engine.reader import Reader, ReaderCut
from talkwire.web.access_log import Visit, visit_of
from talkwire.web.begun import Begun, begin
from talkwire.web.edge import later
from talkwire.web.form import Encoder, Form, Heartbeat, StreamLimits

_ended_on_purpose: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "talkwire_stream_cut", default=False
)


class CutsAreMeant(logging.Filter):
    """Drops the server's complaint about a response that this module left incomplete.

    A stream that may not go on ends without its last chunk, so that the client sees a cut and
    resumes; uvicorn then closes the connection and logs an error, in the same context.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """False for the complaint about a cut stream only."""
        return not _ended_on_purpose.get()


def hush_cuts() -> None:
    """Put the filter on the server's error log; twice is once."""
    log = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, CutsAreMeant) for each in log.filters):
        log.addFilter(CutsAreMeant())


class EventStream(Response):
    """The answer that follows a turn.

    The response's head goes out at once, and with it `head` (frames that `encoder` gave already)
    and what the events held by then give. Ends after the turn's terminal event; is cut (no last
    chunk) when the reader is cut or one send takes longer than `send_timeout_s`. The reader is
    closed in every case.
    """

    def __init__(
        self,
        reader: Reader,
        encoder: Encoder,
        form: Form,
        limits: StreamLimits,
        *,
        head: Sequence[bytes] = (),
    ) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self.raw_headers = [
            (b"content-type", form.media_type.encode()),
            (b"cache-control", b"no-cache, no-transform"),
            (b"x-accel-buffering", b"no"),
            (b"x-turn-id", reader.turn_id.encode()),
            (b"x-session-id", reader.session_id.encode()),
        ]
        self._reader = reader
        self._encoder = encoder
        self._heartbeat = form.heartbeat
        self._limits = limits
        self._head = head
        self._visit: Visit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the turn ends, the client goes, or the stream is cut."""
        request_id = scope.get("talkwire.request_id")
        if not later(scope, self._run):
            await self._run(scope, receive, send)
            return
        self._visit = visit_of(scope)
        if request_id is not None:  # else the middleware puts it on the head
            self.raw_headers.append((b"x-request-id", request_id.encode()))

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = _Connection(self._reader, self._encoder, self._heartbeat, self._limits, send)
        watcher = asyncio.create_task(wire.watch(receive))
        ended = "broken"
        wire.start_timer()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            self.raw_headers = []  # they are out, and the stream may stay open for long
            await wire.follow(self._head)
            ended = "left" if wire.gone else "whole"
        except ReaderCut:
            ended = "cut"
            _ended_on_purpose.set(True)
        except asyncio.CancelledError:
            if not wire.too_slow:
                raise
            ended = "too_slow"
            wire.task.uncancel()
            _ended_on_purpose.set(True)
        finally:
            wire.stop_timer()
            watcher.cancel()
            self._reader.close()
            if self._visit is not None:
                self._visit.end(200, wire.sent_bytes, ended)


class _Connection:
    """One client: what is known of it, and the timer that watches it.

    The stream's task sleeps while all goes well: what a commit shows is encoded and sent by
    `_take`, there and then. The task goes on for everything else: the end, a client that is slow
    or gone, a heartbeat, an error.
    """

    def __init__(
        self,
        reader: Reader,
        encoder: Encoder,
        heartbeat: Heartbeat,
        limits: StreamLimits,
        send: Send,
    ) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stream is written inside a task")
        self.task = task
        self.gone = False
        self.too_slow = False
        self.sent_bytes = 0
        self._silent = False
        self._reader = reader
        self._encoder = encoder
        self._feed = encoder.feed
        self._heartbeat = heartbeat
        self._heartbeat_s = limits.heartbeat_s if heartbeat is not None else None
        self._timeout_s = limits.send_timeout_s
        self._most = limits.max_send_bytes
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()  # when the last send began
        self._sending = False  # and whether it has returned
        self._frames: list[bytes] = []  # encoded and not sent yet
        self._begun: Begun | None = None  # a send that `_take` could not finish
        self._error: Exception | None = None  # what went wrong in `_take`
        self._timer: asyncio.TimerHandle | None = None

    async def follow(self, head: Sequence[bytes]) -> None:
        """Write `head` and all that the reader has, until the turn has ended or the client left."""
        reader = self._reader
        self._frames = list(head)
        while not self.gone:
            if batch := reader.ready():
                self._frames.extend(self._feed(batch))
            frames, self._frames = self._frames, []
            if reader.ended:
                await self._write(frames, more=False)
                return
            if frames:
                await self._write(frames)
            elif self._silent and self._heartbeat is not None:
                beat = self._heartbeat
                await self._write([beat if isinstance(beat, bytes) else beat(self._encoder)])
            elif not batch:
                await reader.coming(self._take)
                await self._settle()

    async def _settle(self) -> None:
        """Finish what `_take` has left."""
        if self._error is not None:
            raise self._error
        begun, self._begun = self._begun, None
        if begun is not None:
            await begun
            self._sending = False

    def _take(self) -> bool:
        """Encode and send what there is; False where the task has to go on. See `Reader.coming`."""
        reader = self._reader
        if self.gone:
            return False
        try:
            frames = self._feed(reader.ready())
            if reader.ended or reader.behind:
                self._frames = frames
                return False
            if not frames:
                return True
            joined = frames[0] if len(frames) == 1 else b"".join(frames)
            if len(joined) > self._most:
                self._frames = frames
                return False
            self._last = self._loop.time()
            self.sent_bytes += len(joined)
            body = {"type": "http.response.body", "body": joined, "more_body": True}
            self._begun = begin(self._send(body))
        except Exception as error:  # it is the stream's, whose task waits
            self._error = error
            return False
        self._sending = self._begun is not None
        return not self._sending

    async def _write(self, frames: Sequence[bytes], *, more: bool = True) -> None:
        """Send frames at once, or in pieces where they are too many bytes."""
        joined = frames[0] if len(frames) == 1 else b"".join(frames)
        if len(joined) > self._most:
            *pieces, joined = cut_up(frames, self._most)
            for piece in pieces:
                await self._write((piece,))
                if self.gone:
                    return
        self._silent = False
        self._last = self._loop.time()
        self.sent_bytes += len(joined)
        self._sending = True
        await self._send({"type": "http.response.body", "body": joined, "more_body": more})
        self._sending = False

    async def watch(self, receive: Receive) -> None:
        """Wait for the client to go."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._reader.poke()

    def start_timer(self) -> None:
        """Begin to watch silence and slow sends."""
        first = self._timeout_s
        if self._heartbeat_s is not None:
            first = min(first, self._heartbeat_s)
        self._timer = self._loop.call_later(first, self._look)

    def stop_timer(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        wait = self._timeout_s
        if self._sending:
            wait = self._last + self._timeout_s - now
            if wait <= 0:
                self.too_slow = True
                self.task.cancel()
                return
        elif self._heartbeat_s is not None:
            wait = self._last + self._heartbeat_s - now
            if wait <= 0:
                self._silent = True
                self._reader.poke()
                wait = self._heartbeat_s
            wait = min(wait, self._timeout_s)
        self._timer = self._loop.call_later(wait, self._look)


def cut_up(frames: Sequence[bytes], most: int) -> list[bytes]:
    """Frames joined to pieces of at most `most` bytes, parted between frames where possible."""
    pieces: list[bytes] = []
    pending: list[bytes] = []
    size = 0
    for frame in frames:
        if pending and size + len(frame) > most:
            pieces.append(b"".join(pending))
            pending, size = [], 0
        if len(frame) > most:
            pieces.extend(frame[at : at + most] for at in range(0, len(frame), most))
        else:
            pending.append(frame)
            size += len(frame)
    if pending:
        pieces.append(b"".join(pending))
    return pieces
