"""A short storm over several nodes. The long one, and the proof that it would notice a missing
fence: `make chaos`; on one node: `test_storm.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import nodes
from tests.chaos.conftest import Survived
from tests.chaos.crowd import Load
from tests.chaos.scene import Setup

SHORT = nodes.Options(
    seed=3,
    kills=3,
    zombies=1,
    seconds=10,
    p99_s=30,  # the machine may be busy
    setup=Setup(nodes=3, dead_after_s=2),
    load=Load(turns=10, words=(8, 24), pace_ms=150, models=("words", "more"), patience_s=25),
)

pytestmark = pytest.mark.timeout(200)


async def test_turns_survive_the_nodes_that_run_them(outcome_of: Survived, tmp_path: Path) -> None:
    outcome = await outcome_of(nodes.run(SHORT, tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
    assert outcome.verdict.endings["turn.completed"]
