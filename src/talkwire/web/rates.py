"""How often and how much: requests and tokens a minute, by who asks and from where.

What was used in the last minute is estimated by two windows: this one, and as much of the one
before as the last minute still overlaps. With nothing limited, nothing is counted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable
from typing import Protocol

from talkwire.canon.errors import RateLimited
from talkwire.web.principals import Principal

WINDOW_S = 60
_MOST_NAMES = 100_000  # in this process; beyond, new names of a kind share one


class Counters(Protocol):
    """What was used in the last minute, by name."""

    async def take(self, name: str, amount: int, per_minute: int) -> float | None:
        """Count `amount` where the last minute leaves room for it: None.

        Else nothing is counted, and the seconds until it is worth asking again, more than 0.
        `amount` 0 asks whether anything is left at all.
        """
        ...

    async def add(self, name: str, amount: int) -> None:
        """Count what has been used already, beyond any limit too."""
        ...


class MemoryCounters:
    """Counters of this process alone; no call suspends, and each takes the same short time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[int, int, int]] = {}  # window, used before it, used in it
        self._swept = 0

    async def take(self, name: str, amount: int, per_minute: int) -> float | None:
        """See `Counters`."""
        name, window, before, used, passed_s = self._look(name)
        wait = wait_s(before, used, passed_s, max(1, amount), per_minute)
        if wait is None and amount:
            self._windows[name] = (window, before, used + amount)
        return wait

    async def add(self, name: str, amount: int) -> None:
        """See `Counters`."""
        name, window, before, used, _ = self._look(name)
        self._windows[name] = (window, before, used + amount)

    def _look(self, name: str) -> tuple[str, int, int, int, float]:
        window, passed_s = divmod(self._clock(), WINDOW_S)
        if window > self._swept:
            self._swept = int(window)
            old = [key for key, (at, _, _) in self._windows.items() if at < window - 1]
            for key in old:
                del self._windows[key]
        if name not in self._windows and len(self._windows) >= _MOST_NAMES:
            name = name.partition(":")[0] + ":others"
        at, before, used = self._windows.get(name, (int(window), 0, 0))
        if at != window:
            before, used = used if at == window - 1 else 0, 0
        return name, int(window), before, used, passed_s


def wait_s(before: int, used: int, passed_s: float, amount: int, limit: int) -> float | None:
    """How long until `amount` more fits into `limit`; None: it does.

    `before` was used in the last window, `used` in this one, which began `passed_s` ago. More
    than the limit never fits: the wait is then until all is free.
    """
    room = max(0, limit - amount)
    if used <= room:
        # Of what was used before, the share that the last minute overlaps must fit.
        fits_s = 0.0 if before == 0 else WINDOW_S * (1 - (room - used) / before)
        if fits_s <= passed_s and amount <= limit:
            return None
        if amount <= limit:
            return max(fits_s - passed_s, 0.001)
    left_s = WINDOW_S - passed_s
    share = 1.0 if used == 0 else min(1.0, room / used)
    return left_s + WINDOW_S * (1 - share)


class Rates:
    """The limits of this server. None is no limit; a principal's own go first.

    `charge` is for the engine, after a turn: it may be called from anywhere on the event loop.
    """

    def __init__(
        self,
        counters: Counters,
        *,
        rpm: int | None = None,
        tpm: int | None = None,
        address_rpm: int | None = None,
    ) -> None:
        self._counters = counters
        self._rpm = rpm
        self._tpm = tpm
        self._address_rpm = address_rpm
        self._charged: set[str] = set()  # owners whose tokens are counted
        self._tasks: set[asyncio.Task[None]] = set()

    async def from_address(self, address: str) -> None:
        """Count a request from a network address. :raises RateLimited: one too many."""
        if self._address_rpm is not None:
            await self._take(f"address:{network_of(address)}", 1, self._address_rpm)

    async def request(self, principal: Principal) -> None:
        """Count a request. :raises RateLimited: one too many."""
        limit = self._rpm if principal.rpm is None else principal.rpm
        if limit is not None:
            await self._take(f"rpm:{principal.counted_as}", 1, limit)

    async def turn(self, principal: Principal) -> None:
        """Before a turn starts. :raises RateLimited: the last minute's tokens are used up."""
        limit = self._tpm if principal.tpm is None else principal.tpm
        if limit is not None:
            if len(self._charged) >= _MOST_NAMES:
                self._charged.clear()
            self._charged.add(principal.id)
            await self._take(f"tpm:{principal.id}", 0, limit)

    def charge(self, owner: str, tokens: int) -> None:
        """Count the tokens of a turn that has ended."""
        if tokens > 0 and (self._tpm is not None or owner in self._charged):
            task = asyncio.ensure_future(self._counters.add(f"tpm:{owner}", tokens))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(self, name: str, amount: int, limit: int) -> None:
        wait = await self._counters.take(name, amount, limit)
        if wait is not None:
            raise RateLimited("Too much was asked for in the last minute.", retry_after_s=wait)


def network_of(address: str) -> str:
    """The address; of IPv6 the /64, since that is what one customer is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
