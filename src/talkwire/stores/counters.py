"""How much of a limit was used in the last minute, counted in Redis for all nodes together.

While Redis is away each process counts for itself, against half the limit: nobody is locked out,
and nobody gets a limit for every node. Redis counts on from what it holds once it is back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from talkwire.stores.redis import Away, RedisLink

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage

WINDOW_S = 60
_NO_LIMIT = 2**53  # the largest number that a script in Redis counts to exactly


class Counters(Protocol):
    """What counts here while Redis is away; it raises nothing."""

    async def take(self, name: str, amount: int, per_minute: int) -> float | None: ...
    async def add(self, name: str, amount: int) -> None: ...


class RedisCounters:
    """Sliding windows in Redis; `near` counts while it is away."""

    def __init__(self, link: RedisLink, near: Counters) -> None:
        self._link = link
        self._near = near
        self._windows = _storage(link)

    async def take(self, name: str, amount: int, per_minute: int) -> float | None:
        """Count `amount` where the last minute leaves room for it: None.

        Else nothing is counted, and the seconds until it is worth asking again, more than 0.
        `amount` 0 asks whether anything is left at all. Where Redis falls silent halfway, it may
        count what is counted here as well.
        """
        try:
            return await self._link.call(lambda _: self._take(name, amount, per_minute))
        except Away:
            return await self._near.take(name, amount, max(1, per_minute // 2))

    async def add(self, name: str, amount: int) -> None:
        """Count what has been used already, beyond any limit too."""
        acquire = self._windows.acquire_sliding_window_entry
        try:
            await self._link.call(lambda _: acquire(name, _NO_LIMIT, WINDOW_S, amount))
        except Away:
            await self._near.add(name, amount)

    async def _take(self, name: str, amount: int, limit: int) -> float | None:
        if amount and await self._windows.acquire_sliding_window_entry(
            name, limit, WINDOW_S, amount
        ):
            return None
        before, overlap_s, used, left_s = await self._windows.get_sliding_window(name, WINDOW_S)
        # A window's key outlives it by one more, in which it is the one before.
        left_s = left_s - WINDOW_S if used else 0.0
        wait = wait_s(before, overlap_s, used, left_s, room=limit - max(1, amount))
        # Refused a moment ago and free now: worth asking again, but not counted.
        return max(wait, 0.001) if amount else wait or None


def wait_s(before: int, overlap_s: float, used: int, left_s: float, *, room: int) -> float:
    """How long until no more than `room` is counted; 0: it is so already.

    `before` was used in the window before, which the last minute still overlaps by `overlap_s`;
    `used` in this one, which ends in `left_s`. What never fits waits for all to be forgotten.
    """
    if used <= room:
        # Of what was used before, the share that still counts must fit; it is rounded down.
        fits_s = WINDOW_S * (room - used + 1) / before if before else overlap_s
        return max(0.0, overlap_s - fits_s)
    share = max(0.0, min(1.0, (room + 1) / used)) if used else 0.0
    return left_s + WINDOW_S * (1 - share)


def _storage(link: RedisLink) -> RedisStorage:
    from limits.aio.storage import RedisStorage

    pool: Any = link.client.connection_pool
    return RedisStorage(
        "async+redis://",  # no address: the connections come from the pool
        implementation="redispy",
        key_prefix=f"{link.prefix}limit",
        connection_pool=pool,
    )
