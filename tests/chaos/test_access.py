"""The matrix of tests/e2e/test_access.py can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import access
from tests.e2e import matrix

pytestmark = pytest.mark.timeout(120)


async def test_without_owners_in_the_store_the_matrix_finds_crossings(tmp_path: Path) -> None:
    outcome = await access.run(access.Options(prelude=matrix.OWNERLESS), tmp_path)

    assert outcome.verdict.faults["crossing"] >= len(matrix.OWNED), outcome.verdict.notes
