"""The events that are no pieces, and the time between the pieces."""

from __future__ import annotations

from hypothesis import given, settings

from talkwire.canon.events import (
    AudioDelta,
    ReasoningDelta,
    Stamped,
    TextDelta,
    ToolCalled,
    ToolFinished,
    UsageCounted,
)
from talkwire.telemetry.marks import first_piece, gaps_ms, marks
from tests.canon.strategies import turns
from tests.telemetry.turns import DONE, USED, message, plain, route, turn


def test_marks_are_all_events_but_the_pieces() -> None:
    _, events = plain()

    assert [type(each.event).__name__ for each in marks(events)] == [
        "TurnStarted",
        "RouteChosen",
        "UsageCounted",
        "MessageCompleted",
        "TurnCompleted",
    ]


def test_the_first_piece_is_told_by_what_it_follows() -> None:
    _, events = plain(first=200)

    assert first_piece(events, 0) is None
    assert first_piece(events, 1) == events[2]
    assert first_piece(events, len(events) - 1) is None


def test_gaps_are_those_within_one_answer() -> None:
    _, events = turn(
        (0, route()),
        (10, ReasoningDelta("a")),
        (30, TextDelta("b")),
        (30, TextDelta("c")),
        (40, USED),
        (40, ToolCalled("c_1", "look", "{}")),
        (500, ToolFinished("c_1", "x")),
        (600, TextDelta("d")),
        (605, AudioDelta("audio/mpeg", "AAAA")),
        (640, TextDelta("e")),
        (650, UsageCounted(1, 1)),
        (650, message()),
        (660, DONE),
    )

    assert gaps_ms(events, marks(events)) == {20: 1, 0: 1, 40: 1}


@settings(max_examples=40)
@given(turns())
def test_every_gap_lies_between_two_pieces(events: list[Stamped]) -> None:
    pieces = sum(isinstance(each.event, TextDelta | ReasoningDelta) for each in events)

    found = gaps_ms(events, marks(events))

    assert 0 <= found.total() <= max(pieces - 1, 0)
