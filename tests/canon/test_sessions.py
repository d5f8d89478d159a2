"""What is not set is not changed, and what is not told is nothing."""

from __future__ import annotations

from msgspec import UNSET

from talkwire.canon.sessions import HistoryAsked, SessionChange, SessionsAsked, Whose


def test_a_change_tells_nothing_from_null() -> None:
    assert SessionChange() != SessionChange(title=None)
    assert SessionChange(title=None).metadata is UNSET


def test_archived_sessions_are_not_asked_for_by_themselves() -> None:
    asked = SessionsAsked(Whose("ann"), limit=5)

    assert (asked.archived, asked.text, asked.after) == (False, "", None)
    assert HistoryAsked(5).position == 0
