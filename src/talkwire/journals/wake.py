"""Word from node to node: fast, and allowed to get lost; what matters is stored, and is polled.

`NoSignals` is for a process alone. `RedisSignals` sends over one pub/sub channel: what gathers
while a message is on its way goes out in the next one, and a listener comes back for ever.

A message is MessagePack: [version, the sender's tag, topic, ids]. What is anything else, or of
another version, was not meant for us. Ids alone travel: text and keys never do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Literal, Protocol

import msgspec
import structlog

Heard = Callable[[Sequence[str]], None]
_NEW = "not connected yet"
_log = structlog.get_logger("talkwire.signals")


class Channel(Protocol):
    """What carries the messages; every fault of it is a `ConnectionError`, safe to show."""

    async def publish(self, payload: bytes) -> None: ...
    def messages(self) -> AsyncGenerator[bytes | None, None]: ...
    async def close(self) -> None: ...


class _Word(msgspec.Struct, frozen=True, array_like=True):
    version: Literal[1]
    sender: str
    topic: str
    ids: tuple[str, ...]


class NoSignals:
    """A process alone: who sends knows it already, and there is nobody else to tell."""

    fault: str | None = None

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def send(self, topic: str, ids: Sequence[str]) -> None:
        """Nobody hears it."""

    def hear(self, topic: str, heard: Heard) -> None:
        """Nothing will be heard."""


class RedisSignals:
    """Signals over a channel of Redis. `send` and `hear` belong to the event loop.

    At most `most_waiting` ids of a topic wait to be sent, and the oldest make room; `most_ids` go
    into one message. After a failure the next try comes after `pause_s`, doubled each time up to
    `most_pause_s`. A message is never heard by who sent it.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        most_waiting: int = 10_000,
        most_ids: int = 1_000,
        pause_s: float = 0.05,
        most_pause_s: float = 0.5,
    ) -> None:
        self._channel = channel
        self._tag = secrets.token_hex(8)
        self._most_waiting = most_waiting
        self._most_ids = most_ids
        self._pauses = (pause_s, most_pause_s)
        self._waiting: dict[str, dict[str, None]] = {}
        self._some = asyncio.Event()
        self._hearers: defaultdict[str, list[Heard]] = defaultdict(list)
        self._deaf: str | None = _NEW
        self._mute: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(_Word)

    @property
    def fault(self) -> str | None:
        """Why word does not travel now, for readiness."""
        return self._deaf or self._mute

    async def open(self) -> None:
        """Begin to listen and to send; returns at once, whether Redis is there or not."""
        self._tasks = [
            asyncio.create_task(self._listen_on()),
            asyncio.create_task(self._publish_on()),
        ]

    async def close(self) -> None:
        """Stop; what has not been sent is not sent. May be called twice."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        await self._channel.close()

    def send(self, topic: str, ids: Sequence[str]) -> None:
        """Tell the other nodes, soon. Never blocks and never raises."""
        if ids:
            self._put(topic, ids)

    def hear(self, topic: str, heard: Heard) -> None:
        """From now on `heard` is called with the ids that other nodes send, on the event loop.

        It is called with none whenever the listener has just connected: word may have been
        missed, and whoever cannot wait for the next poll looks at everything.
        """
        self._hearers[topic].append(heard)

    def _put(self, topic: str, ids: Iterable[str]) -> None:
        waiting = self._waiting.setdefault(topic, {})
        waiting.update(dict.fromkeys(ids))
        for _ in range(len(waiting) - self._most_waiting):
            del waiting[next(iter(waiting))]
        self._some.set()

    def _take(self) -> tuple[str, list[str]]:
        """The next message: the topic that has waited longest, its oldest ids."""
        topic, waiting = next(iter(self._waiting.items()))
        del self._waiting[topic]
        ids = list(waiting)
        if len(ids) > self._most_ids:
            self._waiting[topic] = dict.fromkeys(ids[self._most_ids :])
        if not self._waiting:
            self._some.clear()
        return topic, ids[: self._most_ids]

    def _put_back(self, topic: str, ids: list[str]) -> None:
        newer = self._waiting.pop(topic, {})
        self._put(topic, ids)
        self._put(topic, newer)

    async def _publish_on(self) -> None:
        pause = self._pauses[0]
        while True:
            await self._some.wait()
            topic, ids = self._take()
            try:
                await self._channel.publish(self._encode(_Word(1, self._tag, topic, tuple(ids))))
            except ConnectionError as error:
                self._mute = str(error)
                self._put_back(topic, ids)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._pauses[1])
            else:
                self._mute = None
                pause = self._pauses[0]

    async def _listen_on(self) -> None:
        pause = self._pauses[0]
        while True:
            try:
                async with aclosing(self._channel.messages()) as messages:
                    async for payload in messages:
                        if payload is None:
                            self._connected()
                            pause = self._pauses[0]
                        else:
                            self._receive(payload)
            except ConnectionError as error:
                self._lost(str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._pauses[1])

    def _connected(self) -> None:
        if self._deaf not in (None, _NEW):
            _log.info("signals.back")
        self._deaf = None
        for topic in list(self._hearers):
            self._tell(topic, ())

    def _lost(self, why: str) -> None:
        if self._deaf in (None, _NEW):
            _log.warning("signals.away", reason=why)
        self._deaf = why

    def _receive(self, payload: bytes) -> None:
        try:
            word = self._decoder.decode(payload)
        except msgspec.MsgspecError:
            return
        if word.sender != self._tag:
            self._tell(word.topic, word.ids)

    def _tell(self, topic: str, ids: Sequence[str]) -> None:
        # Each in a callback of its own: a bug in one of them does not deafen the node.
        loop = asyncio.get_running_loop()
        for heard in self._hearers.get(topic, ()):
            loop.call_soon(heard, ids)
