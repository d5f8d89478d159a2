"""Some keys; `make chaos` posts two hundred."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos import posts
from tests.chaos.conftest import Survived

SHORT = posts.Options(seed=8, keys=8, posts=20, kills=1)

pytestmark = pytest.mark.timeout(150)


async def test_what_is_posted_many_times_at_once_is_one_turn(
    outcome_of: Survived, tmp_path: Path
) -> None:
    setup = replace(SHORT.setup, nodes=3)

    outcome = await outcome_of(posts.run(replace(SHORT, setup=setup), tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)


async def test_without_idempotency_the_storm_finds_second_turns(
    outcome_of: Survived, tmp_path: Path
) -> None:
    setup = replace(SHORT.setup, nodes=1, prelude=posts.FORGETFUL)

    outcome = await outcome_of(posts.run(replace(SHORT, keys=2, kills=0, setup=setup), tmp_path))

    assert outcome.verdict.faults["second turn"]
