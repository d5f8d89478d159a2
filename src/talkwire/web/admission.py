"""What a principal may have open at once, and what is asked before a turn starts.

A seat is one open stream. It is taken before the turn starts, so that a refused one costs
nothing, and left when its reader is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import Scope

from talkwire.canon.errors import RateLimited
from talkwire.engine.reader import Reader
from talkwire.web.principals import PRINCIPAL, Principal, principal_of
from talkwire.web.rates import Rates

_ADMISSION = "talkwire.admission"
_SEAT = "talkwire.seat"
_COME_BACK_S = 5.0


class Seat:
    """One open stream, or the right to one. Leaving twice is leaving once."""

    __slots__ = ("_taken", "principal", "reader")

    def __init__(self, taken: dict[str, set[Seat]], principal: Principal) -> None:
        self.principal = principal
        self.reader: Reader | None = None
        self._taken = taken
        taken.setdefault(principal.id, set()).add(self)

    def sit(self, reader: Reader) -> None:
        """Follow with this reader; the seat is left when it is closed."""
        self.reader = reader
        reader.on_close = self.leave

    def leave(self) -> None:
        """Make room for another stream."""
        seats = self._taken.get(self.principal.id)
        if seats is not None:
            seats.discard(self)
            if not seats:
                del self._taken[self.principal.id]


class Admission:
    """The open streams of this process by who reads them, `streams` of each at most."""

    def __init__(self, rates: Rates, *, streams: int | None = None) -> None:
        self.rates = rates
        self._most = streams
        self._taken: dict[str, set[Seat]] = {}

    def seat(self, principal: Principal) -> Seat:
        """:raises RateLimited: the principal has as many open as it may have."""
        if self._most is not None and len(self._taken.get(principal.id, ())) >= self._most:
            raise RateLimited("Too many streams are open.", retry_after_s=_COME_BACK_S)
        return Seat(self._taken, principal)

    def key_ids(self) -> set[str]:
        """The keys that have streams open."""
        return {
            seat.principal.key_id
            for seats in self._taken.values()
            for seat in seats
            if seat.principal.key_id is not None
        }

    def cut(self, key_ids: Collection[str]) -> int:
        """End the streams of these keys at once; how many."""
        cut = [
            seat.reader
            for seats in self._taken.values()
            for seat in seats
            if seat.principal.key_id in key_ids and seat.reader is not None
        ]
        for reader in cut:
            reader.cut()
        return len(cut)


def admit(scope: Scope, admission: Admission) -> None:
    """From now on what this request opens is counted."""
    scope[_ADMISSION] = admission


async def before_turn(request: Request, *, follow: bool) -> None:
    """Ask before a turn starts; with `follow` a stream is to be opened on it.

    :raises RateLimited: not now.
    """
    admission: Admission | None = request.scope.get(_ADMISSION)
    if admission is not None:
        principal = principal_of(request)
        await admission.rates.turn(principal)
        if follow:
            request.scope[_SEAT] = admission.seat(principal)


def give_back(request: Request) -> None:
    """The turn did not start: nothing will be opened."""
    seat: Seat | None = request.scope.pop(_SEAT, None)
    if seat is not None:
        seat.leave()


@contextmanager
def seated(request: Request) -> Iterator[Seat | None]:
    """The request's seat, or a new one; left again if the block raises. None: nobody counts.

    :raises RateLimited: too many streams are open.
    """
    scope = request.scope
    seat: Seat | None = scope.pop(_SEAT, None)
    admission: Admission | None = scope.get(_ADMISSION)
    if seat is None and admission is not None:
        seat = admission.seat(scope[PRINCIPAL])
    try:
        yield seat
    except BaseException:
        if seat is not None:
            seat.leave()
        raise
