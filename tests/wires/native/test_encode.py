"""Canonical events as they are."""

from __future__ import annotations

import json

import msgspec
import pytest

from talkwire.canon.events import AnyEvent, kind_of
from talkwire.wires.native.encode import Encoder, whole
from tests.cases.turns import CASES, SESSION, STARTED_AT, TURN
from tests.wires.frames import parse


@pytest.mark.parametrize("case", CASES)
def test_each_event_is_one_frame_from_which_it_can_be_read_back(case: str) -> None:
    frames = parse(b"".join(Encoder(TURN, SESSION).feed(CASES[case])))

    for frame, stamped in zip(frames, CASES[case], strict=True):
        assert frame.event == frame.data["kind"] == kind_of(stamped.event)
        assert (frame.data["n"], frame.data["at"]) == (stamped.n, stamped.at)
        assert msgspec.json.decode(frame.text, type=AnyEvent) == stamped.event


def test_the_quick_way_for_text_writes_what_the_common_way_would() -> None:
    (frame,) = Encoder(TURN, SESSION).feed(CASES["plain"][2:3])

    assert json.loads(frame.split(b"data: ")[1]) == {
        "kind": "text.delta",
        "text": "Hello",
        "n": 2,
        "at": STARTED_AT + 40,
    }


def test_the_whole_answer_is_the_fold() -> None:
    answer = whole(CASES["failed_midway"])

    assert answer["messages"][-1].text == "Half an ans"
    assert answer["messages"][-1].incomplete
    assert answer["turn_id"] == TURN
