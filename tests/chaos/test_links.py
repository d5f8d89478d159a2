"""Each link is hurt once in each way, for a moment; `make chaos` takes its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import links
from tests.chaos.conftest import Survived
from tests.chaos.crowd import Load

pytestmark = pytest.mark.timeout(150)


async def test_every_turn_ends_once_whatever_link_is_hurt(
    outcome_of: Survived, tmp_path: Path
) -> None:
    options = links.Options(
        seed=7,
        harms=("cut", "hole"),
        harm_s=1.5,
        pause_s=0.5,
        load=Load(turns=6, words=(8, 24), pace_ms=80, models=("words", "more")),
    )

    outcome = await outcome_of(links.run(options, tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
