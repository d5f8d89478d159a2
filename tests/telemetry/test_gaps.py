"""A histogram that is filled with many values at once."""

from __future__ import annotations

from prometheus_client.registry import CollectorRegistry

from talkwire.telemetry.gaps import Gaps


def filled() -> CollectorRegistry:
    registry = CollectorRegistry()
    gaps = Gaps("gap_seconds", "Gaps.", "model", [1, 10, 100])
    registry.register(gaps)
    gaps.add("a", {0: 3, 1: 1, 10: 2, 11: 1, 500: 1})
    gaps.add("a", {5: 1})
    gaps.add("b", {-4000: 1})
    gaps.add("c", {})
    return registry


def test_each_gap_is_in_all_buckets_that_hold_it() -> None:
    registry = filled()

    def at_most(end: str) -> float | None:
        return registry.get_sample_value("gap_seconds_bucket", {"model": "a", "le": end})

    assert [at_most(end) for end in ("0.001", "0.01", "0.1", "+Inf")] == [4, 7, 8, 9]
    assert registry.get_sample_value("gap_seconds_count", {"model": "a"}) == 9
    assert registry.get_sample_value("gap_seconds_sum", {"model": "a"}) == 0.537


def test_a_clock_that_was_put_back_takes_nothing_from_the_sum() -> None:
    assert filled().get_sample_value("gap_seconds_sum", {"model": "b"}) == 0


def test_there_is_no_series_for_what_had_no_gaps() -> None:
    assert filled().get_sample_value("gap_seconds_count", {"model": "c"}) is None
