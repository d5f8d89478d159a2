"""A turn's row becomes the record that was stored."""

from __future__ import annotations

from talkwire.stores.rows import TURN, turn_record


def test_missing_figures_are_missing_and_not_zero() -> None:
    row = ["t", "s", "ann", "native", "running", 1, *[None] * (len(TURN) - 6)]

    record = turn_record(row)
    assert record.usage is None
    assert record.retryable is None
    assert record.reasons == ()
    assert not record.ended
