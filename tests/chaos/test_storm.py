"""A short storm, and the proof that it would notice. `make chaos` runs the long one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.storm import Options, Storm

SHORT = Options(seed=7, kills=4, zombies=0, seconds=15, turns=5, readers=5, words=60, pace_ms=8)

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("on_lost", ["auto", "continue"])
async def test_a_server_that_is_killed_again_and_again_loses_nothing(
    on_lost: str, tmp_path: Path
) -> None:
    options = replace(SHORT, on_lost=on_lost)
    storm = Storm(options, tmp_path)

    verdict = await storm.go()

    assert verdict.green, (verdict.faults, verdict.notes)
    assert storm.killed == SHORT.kills
    assert verdict.endings.total() >= SHORT.turns


async def test_a_process_that_wakes_after_its_turns_were_taken_over_changes_nothing(
    tmp_path: Path,
) -> None:
    storm = Storm(replace(SHORT, kills=1, zombies=1), tmp_path)

    verdict = await storm.go()

    assert verdict.green, (verdict.faults, verdict.notes)
    assert storm.frozen == 1


async def test_without_write_ahead_the_storm_finds_lost_events(tmp_path: Path) -> None:
    options = replace(SHORT, write_ahead=False, kills=60, seconds=75)

    verdict = await Storm(options, tmp_path).go()

    assert verdict.faults.keys() & {"lost", "changed", "doubled", "reordered"}, verdict.faults


async def test_without_the_fence_the_storm_finds_two_writers(tmp_path: Path) -> None:
    options = replace(SHORT, fence=False, kills=0, zombies=8, seconds=40)

    verdict = await Storm(options, tmp_path).go()

    assert not verdict.green
