"""Turns that have ended, written down by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from talkwire.canon.events import (
    AnyEvent,
    MessageCompleted,
    RouteChosen,
    Stamped,
    TextDelta,
    TurnCompleted,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import Message, TextPart, TurnRequest

Ended = tuple[TurnState, list[Stamped]]
USED = UsageCounted(7, 3)
DONE = TurnCompleted("stop")


def turn(*events: tuple[int, AnyEvent], turn_id: str = "t_1", **asked: Any) -> Ended:
    """A turn with these events, each behind its time: milliseconds from the turn's start."""
    given: dict[str, Any] = {"parts": (TextPart("Hi"),), "wire": "native"} | asked
    request = TurnRequest("s_1", **given)
    started = TurnStarted(turn_id, "s_1", request.wire, request)
    state, stamped = TurnState(), [Stamped(0, 1_000_000, started)]
    stamped += [Stamped(n, 1_000_000 + at, event) for n, (at, event) in enumerate(events, 1)]
    for each in stamped:
        state.apply(each)
    return state, stamped


def route(model: str = "large", *reasons: str) -> RouteChosen:
    return RouteChosen(model, "cloud_large", reasons=reasons)


def message(text: str = "Hello") -> MessageCompleted:
    said = Message("msg_t_1", "assistant", (TextPart(text),), model="large", finish_reason="stop")
    return MessageCompleted(said)


def plain(first: int = 200, texts: Sequence[str] = ("Hel", "lo"), **asked: Any) -> Ended:
    """A turn that was answered at once."""
    said = [(first + 10 * n, TextDelta(text)) for n, text in enumerate(texts)]
    return turn(
        (5, route()), *said, (400, USED), (400, message("".join(texts))), (410, DONE), **asked
    )
