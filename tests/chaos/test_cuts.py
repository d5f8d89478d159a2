"""Some cuts; `make chaos` makes thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import cuts
from tests.chaos.conftest import Survived

pytestmark = pytest.mark.timeout(120)


async def test_a_transcript_of_pieces_equals_the_uncut_one(
    outcome_of: Survived, tmp_path: Path
) -> None:
    outcome = await outcome_of(cuts.run(cuts.Options(seed=4, cuts=150, seconds=60), tmp_path))

    assert outcome.green, (outcome.why, outcome.verdict.notes)
