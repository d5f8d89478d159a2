from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.goals import GOALS, Span, added_by_a_call, per_cpu, ratios, ttft, turn_ms
from bench.modes import modes
from bench.report import Circumstances, render, show
from bench.result import Measured
from bench.rounds import Sample

_ONE = Measured(
    tokens=10_000,
    window_s=2.0,
    streams_ok=100,
    streams_failed=0,
    reasons=[],
    requests=100,
    ttft_p50_ms=1.0,
    ttft_p99_ms=2.0,
    gap_p50_ms=20.0,
    gap_p99_ms=21.0,
    tokens_per_read=1.0,
    max_open=100,
    cpu_s=1.0,
    rss_before_kib=1000.0,
    rss_peak_kib=3000.0,
)
_HOW = Circumstances(
    date="2026-01-02",
    command="python -m bench",
    machine="a machine",
    versions={"Python": "3.11.7"},
    pinning="not pinned",
    busy="0.1, 0.2",
    missing={},
)


def _samples() -> list[Sample]:
    slower = replace(_ONE, cpu_s=10.0, ttft_p50_ms=4.0)
    faster = replace(_ONE, cpu_s=0.5)
    return [
        Sample(number, mode, target, measured)
        for number in (1, 2)
        for mode in modes(quick=False)
        for target, measured in (("talkwire", _ONE), ("naive", slower), ("nginx", faster))
    ]


def test_the_page_holds_every_mode_and_every_goal() -> None:
    every = list(modes(quick=False).values())
    page = render(_samples(), every, _HOW)
    assert [f"## {mode.title}" in page for mode in every] == [True] * 6
    assert [goal.about in page for goal in GOALS] == [True] * len(GOALS)
    assert "| paced: tokens per CPU-second | ≥ 5 × naive | 10.0 | yes |" in page
    assert "| burst: tokens per CPU-second | ≥ 14 × naive | 10.0 | **no** |" in page
    assert "| talkwire | 10,000 | 100 | 10.0 | 0.50 |" in page
    assert "errors: 0 of 3,600 streams" in page


def test_errors_make_the_figures_invalid_and_say_where() -> None:
    bad = replace(_ONE, streams_failed=2, reasons=["status 500"])
    page = render([*_samples(), Sample(1, "paced", "nginx", bad)], [], _HOW)
    assert "**errors, so that no figure below is valid**: nginx under paced: 2 (status 500)" in page


def test_a_missing_target_leaves_its_goals_unmeasured_and_says_why() -> None:
    without = [one for one in _samples() if one.target != "nginx"]
    how = replace(_HOW, missing={"nginx": "nginx is not installed"})
    page = render(without, list(modes(quick=False).values()), how)
    assert "without nginx: nginx is not installed" in page
    assert "| paced: tokens per CPU-second | ≥ 0.3 × nginx | – | not measured |" in page
    assert "| nginx |" not in page


def test_ratios_are_formed_within_a_round() -> None:
    samples = [
        Sample(1, "paced", "talkwire", _ONE),
        Sample(1, "paced", "naive", replace(_ONE, cpu_s=2.0)),
        Sample(2, "paced", "talkwire", replace(_ONE, cpu_s=4.0)),
        Sample(2, "paced", "naive", replace(_ONE, cpu_s=16.0)),
        Sample(3, "paced", "naive", _ONE),
    ]
    assert ratios(samples, "paced", "talkwire", "naive", per_cpu) == Span(2.0, 3.0, 4.0)


def test_what_a_call_adds_is_a_difference_within_a_round() -> None:
    samples = [
        Sample(1, "ttft", "talkwire", _ONE),
        Sample(1, "tools", "talkwire", replace(_ONE, ttft_p50_ms=3.5, cpu_s=1.5)),
        Sample(2, "tools", "talkwire", _ONE),
    ]
    assert added_by_a_call(samples, "talkwire", ttft) == Span(2.5, 2.5, 2.5)
    assert added_by_a_call(samples, "talkwire", turn_ms) == Span(5.0, 5.0, 5.0)
    assert not added_by_a_call(samples, "naive", ttft)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (Span(1, 2, 3), "1.00 / 2.00 / 3.00"),
        (Span(0.304, 0.304, 0.304), "0.30"),
        (Span(12345, 22345.6, 1e6), "12,345 / 22,346 / 1,000,000"),
        (Span(math.nan, math.nan, math.nan), "–"),
    ],
)
def test_a_span_is_shown_as_short_as_it_can_be(given: Span, shown: str) -> None:
    assert show(given) == shown
