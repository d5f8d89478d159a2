"""Looks after deployments that nobody may ask: when they can be reached again, they are let in.

It costs a request for the list of models, and no token.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from talkwire.canon.errors import ModelError, UpstreamTimeout
from talkwire.models.pool import Deployment

EVERY_S = 5.0
"""How often deployments whose breaker is not closed are checked."""

LOCAL_EVERY_S = 30.0
"""How often local ones are checked that seem to be well."""

WITHIN_S = 3.0
AT_ONCE = 8


class Probes:
    """One round after another, a quarter sooner or later than `every_s`, so that processes that
    were started together part. At most `at_once` checks run at a time, each `within_s` long.
    """

    def __init__(
        self,
        deployments: Sequence[Deployment],
        *,
        every_s: float = EVERY_S,
        local_every_s: float = LOCAL_EVERY_S,
        within_s: float = WITHIN_S,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._deployments = deployments
        self._every_s = every_s
        self._local_every_s = local_every_s
        self._within_s = within_s
        self._places = asyncio.Semaphore(at_once)
        self._clock = clock
        self._chance = chance
        self._local_at = clock()  # when all local ones are checked next: at once

    async def watch(self) -> None:
        """Check until it is cancelled; running checks are cancelled with it."""
        while True:
            await self.round()
            await asyncio.sleep(self._every_s * (0.75 + self._chance() / 2))

    async def round(self) -> None:
        """Check what is due, and wait for the answers."""
        due = [each for each in self._deployments if each.health.state != "closed"]
        now = self._clock()
        if now >= self._local_at:
            self._local_at = now + self._local_every_s
            due += [each for each in self._deployments if each.local and each not in due]
        async with asyncio.TaskGroup() as group:
            for each in due:
                group.create_task(self._check(each))

    async def _check(self, deployment: Deployment) -> None:
        error: ModelError | None = None
        async with self._places:
            try:
                async with asyncio.timeout(self._within_s):
                    await deployment.model.check()
            except ModelError as failure:
                error = failure
            except TimeoutError:
                error = UpstreamTimeout(f"The check took longer than {self._within_s:g} s.")
        deployment.health.checked(error)
        deployment.note()
