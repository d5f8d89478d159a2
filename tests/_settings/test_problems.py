"""Words for what is wrong."""

from __future__ import annotations

from talkwire._settings.problems import SettingsError, group_at, near
from talkwire.settings import ModelSettings, Settings, TurnSettings


def test_the_nearest_word_is_hinted_at() -> None:
    assert near("prot", ["port", "host"]) == "; did you mean port?"
    assert near("zzz", ["port", "host"]) == ""


def test_groups_are_found_in_lists_too() -> None:
    assert group_at(Settings, ("turns",)) is TurnSettings
    assert group_at(Settings, ("models", 0)) is ModelSettings
    assert group_at(Settings, ("port",)) is None
    assert group_at(Settings, ("nothing", "at", "all")) is None


def test_each_problem_is_a_line() -> None:
    assert str(SettingsError("a", "b")) == "a\nb"
