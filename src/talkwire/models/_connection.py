"""One HTTP/1.1 connection to a model's server: sends requests, feeds their answers.

TCP_NODELAY is set by asyncio and by uvloop themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from talkwire.canon.errors import ModelError
from talkwire.models._answer import Answer
from talkwire.models._rounds import Rounds


class Connection(asyncio.Protocol):
    """A socket, and at most one answer at a time on it."""

    def __init__(self, on_idle: Callable[[Connection], None], rounds: Rounds) -> None:
        self.rounds = rounds
        self.loop = asyncio.get_running_loop()
        self.open = False
        self.reused = False
        self.idle_since = 0.0
        self._on_idle = on_idle
        self._on_left: Callable[[], None] | None = None
        self._answer: Answer | None = None

    def ask(
        self, request: bytes, *, first_s: float, idle_s: float, on_left: Callable[[], None]
    ) -> Answer:
        """Send a whole request. `on_left` is called once the answer needs the socket no more."""
        self._on_left = on_left
        answer = self._answer = Answer(self, first_s, idle_s, reused=self.reused)
        self._transport.write(request)
        return answer

    def left(self, answer: Answer, *, keep: bool) -> None:
        """The answer is done with the socket."""
        if self._answer is not answer:
            return
        self._answer = None
        if keep and self.open:
            self.reused = True
            self.idle_since = self.loop.time()
            self._on_idle(self)
        else:
            self.abort()
        self._leave()

    def fail(self, error: ModelError) -> None:
        """Give the socket up; a reader gets the error."""
        if self._answer is not None:
            self._answer.fail(error)
        self.abort()

    def abort(self) -> None:
        """Close now, without waiting for anything."""
        self.open = False
        self._transport.abort()

    def pause(self) -> None:
        """Read nothing more from the network for now."""
        if self.open:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self.open:
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()  # nobody asked
        else:
            self._answer.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        answer = self._answer
        if answer is not None:
            self._answer = None
            answer.cut(exc)
        self._leave()

    def _leave(self) -> None:
        on_left, self._on_left = self._on_left, None
        if on_left is not None:
            on_left()
