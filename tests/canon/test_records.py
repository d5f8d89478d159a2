from __future__ import annotations

import pytest

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
