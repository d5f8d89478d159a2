"""The figures there are: named and labelled so that they stay few and can be read."""

from __future__ import annotations

import re

import pytest
from prometheus_client.registry import CollectorRegistry

from talkwire.telemetry.instruments import Instruments

BOUNDED = {
    *("agent", "code", "direction", "model", "method", "operation", "outcome", "python"),
    *("role", "route", "source", "status", "tool", "version", "wire"),
}


def test_every_label_has_a_bounded_set_of_values() -> None:
    of = Instruments(CollectorRegistry())
    labels = {label for each in vars(of).values() for label in getattr(each, "_labelnames", ())} | {
        of.gaps._label
    }

    assert labels <= BOUNDED


def test_two_applications_of_one_process_count_apart() -> None:
    mine, other = CollectorRegistry(), CollectorRegistry()
    Instruments(mine).turns.labels("native", "completed").inc()
    Instruments(other)

    asked = ("talkwire_turns_total", {"wire": "native", "status": "completed"})
    assert (mine.get_sample_value(*asked), other.get_sample_value(*asked)) == (1, None)


def test_names_are_ours_or_the_process_s_and_tell_their_unit() -> None:
    registry = CollectorRegistry()
    Instruments(registry)

    names = {family.name for family in registry.collect() if not family.name.startswith("process_")}
    assert all(re.fullmatch(r"talkwire_[a-z_]+", name) for name in names)
    timed = {family.name for family in registry.collect() if family.type == "histogram"}
    assert {name.rpartition("_")[2] for name in timed} == {"seconds", "units"}


def test_the_figure_of_known_labels_is_the_same_one_and_others_are_apart() -> None:
    registry = CollectorRegistry()
    of = Instruments(registry)
    first = of.tool_time.labels("look")
    first.observe(0.2)

    assert of.tool_time.labels("look") is first
    assert of.tool_time.labels(tool="look") is first
    of.tool_time.labels("other").observe(1)
    count = "talkwire_tool_seconds_count"
    assert registry.get_sample_value(count, {"tool": "look"}) == 1
    assert registry.get_sample_value(count, {"tool": "other"}) == 1
    with pytest.raises(ValueError, match="Incorrect label count"):
        of.tool_time.labels("look", "more")
