from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.scenarios.files import kind, object_of, spelled, text_of
from talkwire.scenarios.problems import Problems


def _lines(problems: Problems) -> tuple[str, ...]:
    error = problems.error()
    return () if error is None else error.problems


def test_a_text_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbf\xe9\x92\xb1")

    assert text_of(path, 100, Problems("a")) == "钱"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    problems = Problems("a")
    os.mkfifo(tmp_path / "a")

    assert text_of(tmp_path / "a", 100, problems) is None
    assert _lines(problems) == ("a: is no file",)


def test_a_file_may_be_as_large_as_is_said(tmp_path: Path) -> None:
    path, problems = tmp_path / "a", Problems("a")
    path.write_bytes(b"x" * 2_048)

    assert text_of(path, 2_048, problems) == "x" * 2_048
    assert text_of(path, 2_047, problems) is None
    assert _lines(problems) == ("a: is larger than 1 KiB",)


def test_flaws_are_told_with_their_places_and_the_object_comes_back() -> None:
    problems = Problems("a")

    tree = object_of('{"a": [1, {"b": -Infinity}], "c": 1, "c": 2, "d\\u0000": 3}', problems)

    assert tree is not None
    assert tree["c"] == 2
    assert _lines(problems) == (
        "a: the key 'c' is given twice",
        "a: a key has a character that is none",
        "a: a[1].b: is no number (NaN and infinity are not JSON)",
    )


def test_a_line_and_a_column_are_told_where_it_is_not_json() -> None:
    problems = Problems("a")

    assert object_of('{\n "钱": x}', problems) is None
    assert _lines(problems) == ("a:2:7: is not JSON: Expecting value",)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_every_value_of_json_has_a_kind(value: object) -> None:
    assert kind(value) in {"null", "true or false", "a number", "text", "a list"}


def test_a_place_is_spelled_as_people_write_it() -> None:
    assert spelled(("steps", 2, "text", "zh")) == "steps[2].text.zh"
    assert spelled(()) == ""
