from __future__ import annotations

import pytest

from talkwire.canon.events import UsageCounted
from talkwire.canon.records import TurnRecord, Usage


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("queued", False),
        ("running", False),
        ("completed", True),
        ("failed", True),
        ("aborted", True),
    ],
)
def test_a_turn_has_ended_with_its_terminal_event(status: str, ended: bool) -> None:
    record = TurnRecord("t", "s", "o", "native", status, 0)  # type: ignore[arg-type]  # from a table

    assert record.ended is ended


def test_nothing_used_is_nothing_counted() -> None:
    assert Usage() == Usage(0, 0, estimated=False, cost=None)


def test_usage_adds_up_and_an_estimate_or_a_price_is_not_lost() -> None:
    total = Usage(1, 2).plus(UsageCounted(3, 4, estimated=True)).plus(UsageCounted(5, 6, cost=0.0))

    assert total == Usage(9, 12, estimated=True, cost=0.0)
    assert total.plus(UsageCounted(0, 0, cost=0.5)).cost == 0.5
