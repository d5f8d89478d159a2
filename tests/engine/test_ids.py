from __future__ import annotations

import pytest

from talkwire.engine.ids import call_id, is_call_id, new_id


def test_an_id_is_a_prefix_and_26_characters_in_lower_case() -> None:
    made = new_id("t_")

    assert made.startswith("t_")
    assert len(made) == 28
    assert set(made[2:]) <= set("0123456789abcdefghijklmnopqrstuv")


def test_ids_differ() -> None:
    assert len({new_id("") for _ in range(1000)}) == 1000


def test_later_ids_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**18, 10**15))
    monkeypatch.setattr("talkwire.engine.ids.time.time_ns", lambda: next(clock))
    made = [new_id("t_") for _ in range(500)]

    assert made == sorted(made)
    assert made[0].startswith("t_000000000")


def test_a_call_s_id_is_nine_characters_that_no_other_has() -> None:
    made = {call_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(map(is_call_id, made))
    assert not any(
        map(is_call_id, ["", "call_0", "call_0000", "call-0000", "a" * 10, "a" * 9 + "\n"])
    )
