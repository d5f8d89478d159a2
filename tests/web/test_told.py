"""How values are told."""

from __future__ import annotations

import pytest

from talkwire.web.told import NO_OBJECT, arguments_of, rfc3339


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000_007, "2026-09-21T14:13:20.007Z"),
        (10**17, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(at: int, told: str) -> None:
    assert rfc3339(at) == told


def test_arguments_are_an_object_where_they_are_one() -> None:
    assert arguments_of('{"a":[1]}') == {"a": [1]}
    assert arguments_of("{") == {NO_OBJECT: "{"}
    assert arguments_of("[1]") == {NO_OBJECT: "[1]"}


def test_arguments_that_no_frame_could_hold_are_shown_as_text() -> None:
    deep = '{"a":' + "[" * 70 + "]" * 70 + "}"

    assert arguments_of(deep) == {NO_OBJECT: deep}
