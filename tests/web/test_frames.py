"""JSON that is one line to everybody."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from talkwire.web.frames import json_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    line = json_line({"text": text}).decode()

    assert line.splitlines() == [line]
    assert json.loads(line) == {"text": text}


def test_line_ends_of_all_kinds_are_escaped() -> None:
    line = json_line("a\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029z")

    assert line.isascii()
    assert len(line.splitlines()) == 1
