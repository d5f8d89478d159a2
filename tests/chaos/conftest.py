"""Storms in small: each on its own PostgreSQL and Redis, skipped where the machine has none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.chaos.printing import Outcome
from tests.services.binaries import Missing

Survived = Callable[[Awaitable[Outcome]], Awaitable[Outcome]]


@pytest.fixture
def outcome_of() -> Survived:
    """Runs a storm; what came of it."""

    async def run(storm: Awaitable[Outcome]) -> Outcome:
        try:
            return await storm
        except Missing as missing:
            pytest.skip(str(missing))

    return run
