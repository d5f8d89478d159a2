"""A circuit breaker: after failures nothing is asked for a while, then one request is let through.

Pure: times are given, in seconds of one clock.

    closed ── failures in a row, or half of the last ones ──► open ── back-off over ──► half-open
       ▲                                                        ▲                           │
       └───────────── a trial says something ──────────────────┼───────────────────────────┤
                                                                └──── the trial fails ──────┘
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from msgspec import Struct

State = Literal["closed", "open", "half-open"]

WINDOW = 20
"""So many outcomes are looked at for the share of failures, none of them older than a minute."""

WINDOW_S = 60.0
WINDOW_SHARE = 0.5


class Tolerance(Struct, frozen=True):
    """`failures` in a row open the breaker for `open_s`; each opening that follows before a whole
    answer is twice as long as the last one, up to `open_max_s`.
    """

    failures: int = 5
    open_s: float = 5.0
    open_max_s: float = 120.0


class Leave:
    """A request's leave to ask. One that is asked for while the breaker is not closed is a trial,
    an `early` one before the back-off is over.
    """

    __slots__ = ("early", "era", "trial")

    def __init__(self, era: int, *, trial: bool, early: bool) -> None:
        self.era = era
        self.trial = trial
        self.early = early


class Breaker:
    """Knows what may be asked; whether anybody keeps to it is the asker's affair.

    What began before an opening tells nothing about the time after it: such outcomes are passed
    over, so that a crowd of requests that die together opens the breaker once.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._open = False
        self._until = 0.0
        self._era = 0  # counts the openings
        self._openings = 0  # since the last whole answer
        self._failed = 0  # in a row
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self._trials = 0
        self._unreachable = False  # the last check failed

    def state(self, now: float) -> State:
        """Closed, open, or half-open: the back-off is over, and a trial may be made."""
        if not self._open:
            return "closed"
        return "half-open" if now >= self._until else "open"

    def lets_through(self, now: float) -> bool:
        """Whether a request may be sent: closed, or half-open without a trial on its way."""
        return not self._open or (now >= self._until and not self._trials)

    @property
    def tried(self) -> bool:
        """A trial is on its way."""
        return self._trials > 0

    def opens_in_s(self, now: float) -> float:
        """How long it lets nothing through; 0 when its back-off is over."""
        return max(self._until - now, 0.0) if self._open else 0.0

    def ask(self, now: float) -> Leave:
        """A request is sent. `said`, and one of `answered`, `failed` and `left`, tell its fate."""
        if not self._open:
            return Leave(self._era, trial=False, early=False)
        self._trials += 1
        return Leave(self._era, trial=True, early=now < self._until)

    def said(self, leave: Leave) -> None:
        """The first token is here: a trial closes the breaker."""
        if leave.trial and self._open:
            self._close()
        leave.trial = False

    def answered(self, leave: Leave, now: float) -> None:
        """The whole answer is here."""
        self.said(leave)
        if leave.era == self._era and not self._open:
            self._failed = self._openings = 0
            self._outcomes.append((now, True))

    def failed(self, leave: Leave, now: float) -> None:
        """It failed, and the request was not to blame. A trial that was made early lengthens
        nothing: nobody had waited for it.
        """
        if leave.era != self._era:
            return
        self.left(leave)
        if self._open:
            if not leave.early:
                self._reopen(now)
            return
        self._failed += 1
        self._outcomes.append((now, False))
        if self._failed >= self._tolerance.failures or self._half_failed(now):
            self._reopen(now)

    def left(self, leave: Leave) -> None:
        """It was cancelled, or its fate tells nothing. May be told after any other end."""
        if leave.trial and leave.era == self._era and self._open:
            self._trials -= 1
        leave.trial = False

    def checked(self, reachable: bool, now: float) -> None:
        """What a check found, which sees less than a request: that the server can be reached.

        So it closes the breaker only if the last check had failed, and opens it, or keeps it open,
        when there is nobody.
        """
        if reachable:
            if self._open and self._unreachable:
                self._close()
            self._unreachable = False
        else:
            self._unreachable = True
            if not self._open or now >= self._until:
                self._reopen(now)

    def _half_failed(self, now: float) -> bool:
        recent = [well for at, well in self._outcomes if now - at <= WINDOW_S]
        return len(recent) == WINDOW and recent.count(False) >= WINDOW * WINDOW_SHARE

    def _reopen(self, now: float) -> None:
        longest = self._tolerance.open_max_s
        backoff = self._tolerance.open_s * 2.0 ** min(self._openings, 60)
        self._until = now + min(backoff, longest)
        self._open = True
        self._openings += 1
        self._era += 1
        self._failed = self._trials = 0
        self._outcomes.clear()

    def _close(self) -> None:
        self._open = self._unreachable = False
        self._failed = self._trials = 0
