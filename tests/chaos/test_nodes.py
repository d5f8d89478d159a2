"""A short storm over several nodes, and the proof that it would notice. `make chaos`: the long."""

from __future__ import annotations

from dataclasses import replace
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


async def test_without_the_fence_two_nodes_write_one_turn(
    outcome_of: Survived, tmp_path: Path
) -> None:
    setup = replace(SHORT.setup, nodes=2, fence=False)
    load = replace(SHORT.load, words=(40, 60), models=("more",), patience_s=10)
    options = replace(SHORT, kills=0, zombies=6, seconds=30, setup=setup, load=load)

    outcome = await outcome_of(nodes.run(options, tmp_path))

    assert not outcome.verdict.green
