"""Some aborts; `make chaos` makes two thousand, and a control of them."""

from __future__ import annotations

from dataclasses import replace
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


async def test_two_ends_of_one_turn_would_be_seen(tmp_path: Path) -> None:
    options = aborts.Options(seed=9, aborts=200)
    unsealed = replace(options, setup=replace(options.setup, prelude=aborts.UNSEALED))

    outcome = await aborts.run(unsealed, tmp_path)

    assert outcome.verdict.faults
