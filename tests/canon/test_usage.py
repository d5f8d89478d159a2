"""What a report is asked for."""

from __future__ import annotations

from typing import get_args

from talkwire.canon.usage import BY, By, UsageRow


def test_all_groupings_are_named() -> None:
    assert get_args(By) == BY
    assert len(set(BY)) == 6


def test_total_tokens_are_those_in_and_out() -> None:
    assert UsageRow(("a",), 1, 7, 5, 0, None).total_tokens == 12
