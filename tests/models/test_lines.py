"""The demo's lines are whole in both languages."""

from __future__ import annotations

import msgspec

from talkwire.models._lines import CHINESE, ENGLISH, lines


def test_the_language_is_that_of_the_question() -> None:
    assert lines("hello") is ENGLISH
    assert lines("请 count to 5") is CHINESE
    assert lines("") is ENGLISH


def test_no_line_is_empty_or_lacks_its_place() -> None:
    for spoken in (ENGLISH, CHINESE):
        assert all(msgspec.structs.astuple(spoken))
        assert "{asked}" in spoken.other
        assert "{n}" in spoken.remembered
