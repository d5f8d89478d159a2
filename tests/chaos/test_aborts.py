"""Some aborts; `make chaos` makes two thousand, and a control of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import aborts
from tests.chaos.conftest import Survived

pytestmark = pytest.mark.timeout(150)


async def test_of_abort_and_completion_one_wins_whatever_node_is_asked(
    outcome_of: Survived, tmp_path: Path
) -> None:
    outcome = await outcome_of(aborts.run(aborts.Options(seed=9, aborts=80), tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
    assert outcome.verdict.endings["turn.aborted"]
    assert outcome.verdict.endings["turn.completed"]
