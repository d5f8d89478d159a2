"""The health of one deployment of a model: what its requests tell of it, and what checks do.

Pure but for its clock, which is given.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from talkwire.canon.errors import (
    ModelError,
    UpstreamAuth,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.models.breaker import Breaker, Leave, State, Tolerance

LIMITED_S = 1.0
"""How long a server that limits the rate is left alone when it does not say how long."""

REST_MAX_S = 3_600.0
"""The longest rest that a server's `Retry-After` can ask for."""

_LATENCY_WEIGHT = 0.2  # of the newest answer
_ERROR_WEIGHT = 0.1
_LATENCY_FOR_S = 300.0  # what was slow then may be quick now, and only asking tells
_ERRORS_HALVE_S = 60.0  # a rate of errors that nothing has been added to is worth half after this


_THEIRS = (UpstreamAuth, UpstreamInvalid, UpstreamNotFound, UpstreamTimeout)


class Crowded(UpstreamUnavailable):
    """We have as many connections to the server as we allow ourselves: says nothing about it."""


def elsewhere(error: ModelError) -> bool:
    """Whether another deployment of the same model might do better: the request is not to blame."""
    return error.retryable or isinstance(error, _THEIRS)


def _unreachable(error: ModelError) -> bool:
    """Whether a check that fails so has found nobody: who refuses or limits is there."""
    return error.retryable and not isinstance(error, UpstreamRateLimited | Crowded)


class Health:
    """`errors` counts failures by code, `running` the requests that have not ended, of which there
    may be `most`.
    """

    def __init__(
        self,
        tolerance: Tolerance | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        most: int | None = None,
    ) -> None:
        self._most = most
        self.running = 0
        self.errors: Counter[str] = Counter()
        self._clock = clock
        self._breaker = Breaker(tolerance or Tolerance())
        self._rests_until = 0.0
        self._rests = 0  # counts them
        self._trials: set[Asked] = set()  # asked during a rest, and nothing said yet
        self._latency_s: float | None = None
        self._said_at = 0.0
        self._error_rate = 0.0
        self._ended_at = 0.0
        self._last_error = ""

    @property
    def state(self) -> State:
        """The breaker's; a rest that the server asked for is apart from it."""
        return self._breaker.state(self._clock())

    @property
    def error_rate(self) -> float:
        """The weighted share of requests that failed; it fades while nothing is asked."""
        age_s = self._clock() - self._ended_at
        faded: float = self._error_rate * 0.5 ** (age_s / _ERRORS_HALVE_S)
        return faded

    @property
    def latency_s(self) -> float | None:
        """The time to the first token of late; None when nothing was said for five minutes."""
        return self._latency_s if self._clock() - self._said_at <= _LATENCY_FOR_S else None

    @property
    def tried(self) -> bool:
        """A request is on its way that was sent although nothing was let through, or as a trial."""
        return self._breaker.tried or bool(self._trials)

    @property
    def full(self) -> bool:
        """It has as many requests as it may have."""
        return self._most is not None and self.running >= self._most

    @property
    def free(self) -> bool:
        """There is room for a request, be it the one that tries it."""
        return not self.full and (self.lets_through() or not self.tried)

    def lets_through(self) -> bool:
        """Whether a request may be sent now."""
        now = self._clock()
        return now >= self._rests_until and self._breaker.lets_through(now)

    def ready_in_s(self) -> float:
        """How long until `lets_through`, as far as can be told; 0 is now, or after a trial."""
        now = self._clock()
        return max(self._rests_until - now, self._breaker.opens_in_s(now), 0.0)

    def why(self) -> str:
        """Why nothing is let through, for people; "" when something is."""
        if self.lets_through():
            return ""
        within = f"{self.ready_in_s():.0f} s"
        if self.state == "closed":
            return f"it limits the rate of requests for {within} more"
        if self.state == "half-open":
            return f"it failed ({self._last_error}) and is being tried again"
        return f"it failed ({self._last_error}) and is left alone for {within} more"

    def ask(self) -> Asked:
        """A request is sent to it now. Whoever sends it tells what came of it, and leaves it."""
        self.running += 1
        now = self._clock()
        asked = Asked(self, self._breaker.ask(now), now, self._rests)
        if now < self._rests_until:
            self._trials.add(asked)
        return asked

    def checked(self, error: ModelError | None) -> None:
        """What a check found. One that fails while answers are flowing tells nothing, nor does one
        that is refused: somebody is there.
        """
        if error is None:
            self._breaker.checked(True, self._clock())
        elif _unreachable(error) and (self.state != "closed" or not self.running):
            self._last_error = error.code
            self._breaker.checked(False, self._clock())

    def _said(self, asked: Asked) -> None:
        self._breaker.said(asked.leave)
        self._rested(asked)
        took_s = self._clock() - asked.began
        before = self.latency_s
        self._latency_s = took_s if before is None else before + _LATENCY_WEIGHT * (took_s - before)
        self._said_at = self._clock()

    def _answered(self, asked: Asked) -> None:
        now = self._clock()
        self._count(0.0, now)
        self._breaker.answered(asked.leave, now)
        self._rested(asked)

    def _rested(self, asked: Asked) -> None:
        """It takes requests again, if this one was sent after it had asked for its rest."""
        self._trials.discard(asked)
        if asked.rest == self._rests:
            self._rests_until = 0.0

    def _failed(self, asked: Asked, error: ModelError, *, blamed: bool) -> None:
        if isinstance(error, Crowded):
            return
        now = self._clock()
        self.errors[error.code] += 1
        limited = isinstance(error, UpstreamRateLimited)
        told = error.retry_after_s
        if told is not None or limited:
            rest_s = LIMITED_S if told is None else min(told, REST_MAX_S)
            if now + rest_s > self._rests_until:
                self._rests_until = now + rest_s
                self._rests += 1
        if not blamed:
            return
        self._count(1.0, now)
        if not limited:  # a server that says how much it takes is well
            self._last_error = error.code
            self._breaker.failed(asked.leave, now)

    def _left(self, asked: Asked) -> None:
        self.running -= 1
        self._trials.discard(asked)
        self._breaker.left(asked.leave)

    def _count(self, failed: float, now: float) -> None:
        self._error_rate = self.error_rate
        self._error_rate += _ERROR_WEIGHT * (failed - self._error_rate)
        self._ended_at = now


class Asked:
    """One request. Of `answered` and `failed` at most one is told; `left` always, in the end.

    `rest` is the number of the last rest that had been asked for when it was sent.
    """

    __slots__ = ("_health", "_left", "began", "leave", "rest")

    def __init__(self, health: Health, leave: Leave, began: float, rest: int) -> None:
        self._health = health
        self.leave = leave
        self.began = began
        self.rest = rest
        self._left = False

    def said(self) -> None:
        """The first token is here."""
        self._health._said(self)

    def answered(self) -> None:
        """The whole answer is here."""
        self._health._answered(self)

    def failed(self, error: ModelError, *, blamed: bool) -> None:
        """It failed; `blamed` is the deployment, else the request was at fault."""
        self._health._failed(self, error, blamed=blamed)

    def left(self) -> None:
        """It runs no more. Alone it says nothing for or against the deployment."""
        if not self._left:
            self._left = True
            self._health._left(self)
