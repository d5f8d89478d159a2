"""One rolling restart; `make chaos` does twenty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import rolling
from tests.chaos.conftest import Survived
from tests.chaos.crowd import Load

pytestmark = pytest.mark.timeout(150)


async def test_a_client_that_resumes_sees_no_error_of_a_rolling_restart(
    outcome_of: Survived, tmp_path: Path
) -> None:
    options = rolling.Options(
        seed=6,
        restarts=1,
        load=Load(turns=6, words=(10, 30), pace_ms=150, models=("more",), fickle=0.0),
    )

    outcome = await outcome_of(rolling.run(options, tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
