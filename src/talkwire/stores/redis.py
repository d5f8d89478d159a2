"""Redis as it is used here: a place for what may be lost. The only module that knows its driver.

`RedisLink` is for commands that a request waits for, each bounded by a time-out; `RedisChannel` is
for word from node to node, which nobody waits for. Every fault is `Away`: down, wiped, full,
read-only, loading, locked by a password, slow or silent; callers do without, and it is used again
as soon as it is back. The driver is loaded when the first one is made: its import costs half a
second, and most servers have no Redis.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
PREFIX = "talkwire:"
_log = structlog.get_logger("talkwire.redis")


class Away(ConnectionError):
    """Redis cannot be used now. The message says why, with no address and no secret."""


class RedisLink:
    """Commands with a time-out, and none at all while Redis is away.

    After a failure no command is tried until a write of our own has gone through, which is tried
    every `probe_s`: a silent Redis costs those who asked at that moment `timeout_s`, and the
    others nothing. Use it on one event loop; `close` it there.
    """

    def __init__(
        self,
        url: str,
        *,
        max_connections: int = 20,
        timeout_s: float = 0.2,
        probe_s: float = 0.5,
        most_later: int = 64,
        prefix: str = PREFIX,
    ) -> None:
        self.client = _client(url, connections=max_connections, timeout_s=timeout_s)
        self.prefix = prefix
        self.fault: str | None = None  # why it is not used now, for readiness
        self.timed: Callable[[float, bool], None] = lambda *_: None  # seconds, and whether well
        self._faults = _faults()
        self._timeout_s = timeout_s
        self._probe_s = probe_s
        self._most_later = most_later
        self._later: set[asyncio.Task[None]] = set()
        self._probing: asyncio.Task[None] | None = None

    async def probe(self) -> None:
        """Write something, also while Redis counts as away. :raises Away: it cannot be used."""
        try:
            await self._within(self._write)
        except self._faults as error:
            raise Away(_reason(error)) from None

    async def version(self) -> str | None:
        """The server's; None where it does not say, as where a user may not ask for it."""
        with suppress(*self._faults):
            told = await self._within(lambda client: client.info("server"))
            return str(told.get("redis_version")) if "redis_version" in told else None
        return None

    def pool(self) -> dict[str, int]:
        """The connections for commands: `in_use`, `idle`, and the `most` that there may be."""
        pool = self.client.connection_pool
        (idle, _), (in_use, _) = pool.get_connection_count()
        return {"in_use": in_use, "idle": idle, "most": pool.max_connections}

    async def call(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Do `work`, which may be several commands, within the time-out.

        :raises Away: Redis is away, or this has shown that it is. Whether the command was carried
            out is not known then.
        """
        if self.fault is not None:
            raise Away(self.fault)
        try:
            return await self._within(work)
        except self._faults as error:
            why = _reason(error)
            self._lose(why)
            raise Away(why) from None

    def later(self, work: Callable[[Redis], Awaitable[object]]) -> None:
        """Do `work` soon; nobody waits for it, nor hears that it failed.

        At most `most_later` are under way at once; more are let go.
        """
        if self.fault is None and len(self._later) < self._most_later:
            task = asyncio.create_task(self._try(work))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def settle(self) -> None:
        """Wait for all that was to be done later; each is bounded by the time-out."""
        if self._later:
            await asyncio.wait(list(self._later))

    async def close(self) -> None:
        """Give up all connections, once what was to be done later is done."""
        await self.settle()
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        with suppress(*self._faults):
            await self.client.aclose()

    async def _try(self, work: Callable[[Redis], Awaitable[object]]) -> None:
        with suppress(Away):
            await self.call(work)

    async def _within(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        begun, answered = monotonic(), False
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await work(self.client)
            answered = True
            return result
        finally:
            self.timed(monotonic() - begun, answered)

    async def _write(self, client: Redis) -> None:
        # A write: a full or read-only Redis answers a PING as if it were well.
        await client.set(f"{self.prefix}probe", b"1", px=1000)

    def _lose(self, why: str) -> None:
        if self.fault is None:
            _log.warning("redis.away", reason=why)
            self._probing = asyncio.create_task(self._come_back())
        self.fault = why

    async def _come_back(self) -> None:
        while self.fault is not None:
            # Those that lie idle would cost a time-out each when their peer is gone silently.
            with suppress(*self._faults):
                async with asyncio.timeout(self._timeout_s):
                    await self.client.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(self._probe_s)
            try:
                await self.probe()
            except Away as error:
                self.fault = str(error)
            else:
                self.fault = None
                _log.info("redis.back")


class RedisChannel:
    """One pub/sub channel. `silence_s`: after so long without a word the server is asked for one.

    `patience_s` bounds connecting and publishing: nobody waits for them, and a slow Redis is of
    use here.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = PREFIX + "signals",
        patience_s: float = 2.0,
        silence_s: float = 0.5,
    ) -> None:
        self.name = name
        self._client = _client(url, connections=2, timeout_s=patience_s)
        self._faults = _faults()
        self._patience_s = patience_s
        self._silence_s = silence_s

    async def publish(self, payload: bytes) -> None:
        """:raises Away: it may have been published, or not."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._client.publish(self.name, payload)
        except self._faults as error:
            raise Away(_reason(error)) from None

    async def messages(self) -> AsyncGenerator[bytes | None, None]:
        """None once the subscription holds, then every payload, our own ones too.

        :raises Away: no connection, or it is lost; a silent peer is noticed within two `silence_s`.
        """
        subscription: Any = self._client.pubsub()
        try:
            async with asyncio.timeout(self._patience_s):
                await subscription.subscribe(self.name)
            asked = False
            while True:
                message = await subscription.get_message(timeout=self._silence_s)
                if message is None:
                    if asked:
                        raise TimeoutError
                    async with asyncio.timeout(self._silence_s):
                        await subscription.ping()
                    asked = True
                    continue
                asked = False
                if message["type"] == "subscribe":
                    yield None
                elif message["type"] == "message":
                    yield message["data"]
        except self._faults as error:
            raise Away(_reason(error)) from None
        finally:
            with suppress(*self._faults):
                await subscription.aclose()

    async def close(self) -> None:
        """Give up all connections."""
        with suppress(*self._faults):
            await self._client.aclose()


def _client(url: str, *, connections: int, timeout_s: float) -> Redis:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # Who waits has no time for a second try; who has time tries by itself.
        retry=Retry(NoBackoff(), 0),
        # An idle connection is not asked first: the command is bounded itself.
        health_check_interval=0,
        decode_responses=False,
        # The older protocol: all servers know it, and nothing here has another shape under it.
        protocol=2,
        legacy_responses=False,
        driver_info=None,
    )
    return Redis.from_pool(pool)


def _faults() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)


def _reason(error: Exception) -> str:
    """Why Redis is of no use, in words of our own: those of the driver name the address."""
    from redis import exceptions as known

    match error:
        case TimeoutError() | known.TimeoutError():
            return "no answer in time"
        case known.BusyLoadingError():
            return "still loading its data"
        case known.AuthenticationError() | known.AuthorizationError() | known.NoPermissionError():
            return "the credentials are refused"
        case known.ReadOnlyError():
            return "read-only"
        case known.OutOfMemoryError():
            return "out of memory"
        case known.ConnectionError() | OSError():
            return "cannot be reached"
        case _:
            return f"commands are refused ({_code(error)})"


def _code(error: Any) -> str:
    """A server's word for an error, as in "MISCONF Errors writing…"; else the driver's."""
    code = re.match(r"[A-Z]{3,20}\b", str(error))
    return code.group() if code else type(error).__name__
