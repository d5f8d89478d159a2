"""Redis and PostgreSQL die once or twice; `make chaos` kills them more often."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import storage
from tests.chaos.conftest import Survived
from tests.chaos.crowd import Load

pytestmark = pytest.mark.timeout(150)


async def test_what_was_acknowledged_outlives_the_storage(
    outcome_of: Survived, tmp_path: Path
) -> None:
    options = storage.Options(
        seed=5,
        redis_kills=2,
        database_restarts=2,
        pause_s=1.5,
        back_within_s=6,  # the machine may be busy
        load=Load(turns=8, words=(5, 20), pace_ms=80, models=("words", "more")),
    )

    outcome = await outcome_of(storage.run(options, tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
