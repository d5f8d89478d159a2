"""Several deployments of one model as one: the least busy one that is well is asked.

There is one count of attempts, over all deployments: one that failed before its first word is
followed by another deployment at once, and when all have been asked by a pause. How much may be
asked again is limited for the whole process (`Allowance`).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from msgspec import structs

from talkwire.canon.deltas import Hear
from talkwire.canon.errors import (
    ModelError,
    UpstreamIncomplete,
    UpstreamNotFound,
    UpstreamUnavailable,
)
from talkwire.canon.models import Standing
from talkwire.canon.turn import ModelRequest
from talkwire.models.allowance import Allowance
from talkwire.models.health import Asked, Crowded, Health, elsewhere
from talkwire.models.retrying import Opening, pause_s, until_said

PATIENCE_S = 1.0
"""How long a request for which all deployments are being tried waits to see how that goes."""

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A model; see the engine's port of this name."""

    async def answer(self, request: ModelRequest, hear: Hear) -> None: ...
    async def check(self) -> str: ...
    async def close(self) -> None: ...


class Deployment:
    """One place where a model runs, and its health. The model is owned by this.

    `weight` is how much it can do beside the others, `upstream_model` what it calls the model
    where the pool's name for it is another. A `local` one is checked now and then although nothing
    seems to be wrong with it.
    """

    def __init__(
        self,
        model: Model,
        *,
        weight: float = 1.0,
        upstream_model: str = "",
        local: bool = False,
        health: Health | None = None,
    ) -> None:
        self.model = model
        self.weight = weight
        self.upstream_model = upstream_model
        self.local = local
        self.health = health or Health()
        self.name = ""
        self.picked = 0
        self._was_well = True

    @property
    def load(self) -> float:
        """How busy it would be with one more request, relative to its weight."""
        return (self.health.running + 1) / self.weight

    def asked_for(self, request: ModelRequest) -> ModelRequest:
        """The request as this deployment is asked."""
        if not self.upstream_model or request.model == self.upstream_model:
            return request
        return structs.replace(request, model=self.upstream_model)

    def note(self) -> None:
        """Log it when the breaker has opened, or has closed again."""
        well = self.health.state == "closed"
        if well != self._was_well:
            self._was_well = well
            if well:
                _log.info("model.well_again: %s", self.name)
            else:
                _log.warning("model.unwell: %s: %s", self.name, self.health.why())


class Pool:
    """Fits the port `Model`. `max_attempts` counts the first one; 1 asks once.

    A pool of one always asks it, whatever its breaker says: there is nobody to be asked instead.
    Of several that all let nothing through, the one that will soonest is tried, one request at a
    time; others wait a moment for its fate. With `any_name` a model that a server does not know is
    the request's fault.
    """

    def __init__(
        self,
        name: str,
        deployments: Sequence[Deployment],
        *,
        max_attempts: int = 3,
        allowance: Allowance | None = None,
        any_name: bool = False,
    ) -> None:
        self.name = name
        self.deployments = tuple(deployments)
        self.max_attempts = max(max_attempts, 1)
        self.allowance = allowance or Allowance()
        self.any_name = any_name
        self._picks = itertools.count(1)
        self._news = asyncio.Event()
        for number, each in enumerate(self.deployments, start=1):
            each.name = name if self.alone else f"{name}, deployment {number}"

    @property
    def alone(self) -> bool:
        """There is one deployment only."""
        return len(self.deployments) == 1

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`."""
        self.allowance.earn()
        await until_said(_Request(self, request), hear, max_attempts=self.max_attempts)

    async def check(self) -> str:
        """See `Model.check`: one that answers is enough; all are asked."""
        if self.alone:
            return await self.deployments[0].model.check()
        told, failure = [], None
        for each in self.deployments:
            try:
                told.append(await each.model.check())
            except ModelError as error:
                failure = failure or error
        if failure is not None and not told:
            raise failure
        return f"{len(told)} of {len(self.deployments)} deployments answer: {told[0]}"

    async def close(self) -> None:
        """See `Model.close`."""
        for each in self.deployments:
            await each.model.close()

    def standing(self, known: Standing) -> Standing:
        """How it is doing, added to what is known of it. The time to the first token and the rate
        of errors are those of the deployments that would be asked now, by their weights.
        """
        ready = [each for each in self.deployments if each.health.lets_through()]
        asked = ready or self.deployments
        timed = [(each.health.latency_s, each.weight) for each in asked]
        latency_s = _mean([(took, weight) for took, weight in timed if took is not None])
        return structs.replace(
            known,
            healthy=bool(ready),
            reachable=any(each.health.state != "open" for each in self.deployments),
            running=sum(each.health.running for each in self.deployments),
            latency_ms=None if latency_s is None else latency_s * 1000,
            error_rate=_mean([(each.health.error_rate, each.weight) for each in asked]) or 0.0,
            why="" if ready else "; ".join(self._whys()),
        )

    def _whys(self) -> list[str]:
        whys = [each.health.why() for each in self.deployments]
        if self.alone:
            return whys
        return [f"deployment {number}: {why}" for number, why in enumerate(whys, start=1)]

    async def place(self, asked: Mapping[Deployment, int], out: set[Deployment]) -> Deployment:
        """As `pick`, after a moment's wait where all are being tried."""
        try:
            return self.pick(asked, out)
        except UpstreamUnavailable as refused:
            if isinstance(refused, Crowded):
                raise
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self._news.wait()
                    with suppress(UpstreamUnavailable):
                        return self.pick(asked, out)
        return self.pick(asked, out)

    def tell(self) -> None:
        """A deployment may have become free, or well: whoever waits looks again."""
        if not any(each.health.free for each in self.deployments):
            return
        news, self._news = self._news, asyncio.Event()
        news.set()

    def pick(self, asked: Mapping[Deployment, int], out: set[Deployment]) -> Deployment:
        """Who is asked next: of those that let requests through one that was `asked` least, then
        the least busy. Those that are `out` are not.

        :raises UpstreamUnavailable: nobody may be asked now; `Crowded`: there is no room.
        """
        rest = [each for each in self.deployments if each not in out]
        ready = [each for each in rest if each.health.lets_through() and not each.health.full]
        if ready:
            found = min(ready, key=lambda each: (asked.get(each, 0), each.load, each.picked))
        elif self.alone:
            found = self.deployments[0]
        else:
            found = self._soonest(rest, asked)
        found.picked = next(self._picks)
        return found

    def _soonest(self, rest: Sequence[Deployment], asked: Mapping[Deployment, int]) -> Deployment:
        free = [each for each in rest if each.health.free]
        if free:
            return min(free, key=lambda each: (asked.get(each, 0), each.health.ready_in_s()))
        if any(each.health.full for each in rest):
            raise Crowded(f"Each deployment of {self.name!r} that is well has all it may be asked.")
        within_s = min((each.health.ready_in_s() for each in rest), default=0.0)
        refused = UpstreamUnavailable(
            f"All {len(self.deployments)} deployments of {self.name!r} have failed of late and one "
            f"is being tried; the next may be in {within_s:.0f} s."
        )
        refused.retry_after_s = within_s
        raise refused


def _mean(weighted: Sequence[tuple[float, float]]) -> float | None:
    weight = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / weight if weighted else None


class _Request:
    """The attempts at one request; see `Attempts`."""

    def __init__(self, pool: Pool, request: ModelRequest) -> None:
        self._pool = pool
        self._request = request
        self._asked: Counter[Deployment] = Counter()
        self._last: Deployment | None = None  # None: the last attempt was refused by the pool
        self._out: set[Deployment] = set()  # failed in a way that asking again does not change
        self._rests: dict[Deployment, float] = {}  # seconds that they want to be left alone

    async def once(self, opening: Opening) -> None:
        self._last = None
        deployment = self._last = await self._pool.place(self._asked, self._out)
        self._asked[deployment] += 1
        asked = deployment.health.ask()

        def said() -> None:
            asked.said()
            self._pool.tell()

        opening.on_said = said
        try:
            await self._ask(deployment, asked, opening)
        finally:
            asked.left()
            self._pool.tell()
            deployment.note()

    async def _ask(self, deployment: Deployment, asked: Asked, opening: Opening) -> None:
        try:
            await deployment.model.answer(deployment.asked_for(self._request), opening)
            if not opening.said:
                raise UpstreamIncomplete("The answer ended before it began.")
        except ModelError as error:
            asked.failed(error, blamed=self._blames(error))
            raise
        asked.answered()

    def wait_s(self, failure: ModelError, attempt: int) -> float | None:
        if self._last is None:  # nobody was asked, so that nothing is spent
            return pause_s(attempt, None)
        wait_s = self._pause_s(self._last, failure, attempt)
        if wait_s is None or isinstance(failure, Crowded):  # nothing was sent
            return wait_s
        return wait_s if self._pool.allowance.spend() else None

    def _pause_s(self, last: Deployment, failure: ModelError, attempt: int) -> float | None:
        if not self._blames(failure):
            return None
        if not failure.retryable:
            self._out.add(last)
        self._rests[last] = failure.retry_after_s or 0.0
        rest = [each for each in self._pool.deployments if each not in self._out]
        if not rest:
            return None
        if any(each not in self._asked and each.health.lets_through() for each in rest):
            return 0.0
        told = min((self._rests[each] for each in rest if each in self._rests), default=0.0)
        return pause_s(attempt, told if told or failure.retry_after_s is not None else None)

    def _blames(self, error: ModelError) -> bool:
        if self._pool.any_name and isinstance(error, UpstreamNotFound):
            return False
        return elsewhere(error)
