from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.events import (
    TERMINAL,
    AnyEvent,
    Stamped,
    Terminal,
    TextDelta,
    dump,
    kind_of,
    load,
)
from tests.canon.strategies import any_events, numbered, turns


@given(st.lists(any_events, max_size=5).map(numbered))
def test_what_was_dumped_is_loaded_again(batch: list[Stamped]) -> None:
    assert load(dump(batch)) == batch


@given(turns())
def test_a_whole_turn_is_one_line_of_json(turn: list[Stamped]) -> None:
    payload = dump(turn)

    assert b"\n" not in payload
    assert load(payload) == turn
    assert load(payload.decode()) == turn


@given(any_events)
def test_the_json_of_an_event_names_its_kind_and_leaves_no_word_unknown(event: AnyEvent) -> None:
    [[n, at, shown]] = msgspec.json.decode(dump([Stamped(3, 5, event)]))

    assert (n, at, shown["kind"]) == (3, 5, kind_of(event))


def test_every_kind_is_named_once() -> None:
    kinds = [kind.__struct_config__.tag for kind in get_args(AnyEvent)]

    assert len(set(kinds)) == len(kinds) == 20
    assert all("." in kind for kind in kinds)


def test_the_terminal_kinds_are_the_same_for_types_and_for_code() -> None:
    assert set(get_args(Terminal)) == set(TERMINAL)


@pytest.mark.parametrize(
    "text", ["", "\x00", "\r\n\u2028\u2029", "你好", "👩‍👩‍👧", "\ufeff", '"\\']
)
def test_text_travels_unchanged(text: str) -> None:
    batch = [Stamped(1, 2, TextDelta(text))]

    assert load(dump(batch)) == batch


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[[0,0]]",
        b'[[0,0,{"kind":"text.gamma","text":""}]]',
        b'[[0,0,{"kind":"text.delta"}]]',
    ],
)
def test_what_is_no_batch_of_events_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        load(payload)
