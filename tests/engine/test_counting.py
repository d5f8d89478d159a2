"""What an answer has used: told and believed, told and not believed, or estimated."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.deltas import CallPiece, Delta, Finish, Text, Tokens
from talkwire.canon.errors import BudgetExceeded, UpstreamUnavailable
from talkwire.canon.events import (
    AnyEvent,
    ReasoningDelta,
    RouteChosen,
    Stamped,
    Terminal,
    TextDelta,
    TurnStarted,
    UsageCounted,
)
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import ModelRequest, Plan, text_message
from talkwire.engine.assemble import Answering, Assembler
from talkwire.engine.counting import lost, settled, usage_of
from talkwire.engine.live import LiveTurn
from talkwire.engine.seal import seal
from tests.engine.fakes import OWNER, asking
from tests.engine.storage import FakeJournal, FakeRecords

ASKED = ModelRequest("m", (text_message("a", "user", "four tokens of text"),))  # 9 tokens
PLAN = Plan("m", "cloud", price_in=1_000_000.0, price_out=2_000_000.0)


def live(*events: AnyEvent) -> LiveTurn:
    records = FakeRecords()
    first = Stamped(0, 1, TurnStarted("t", "s_1", "native", asking("12345678"), "msg_t_in"))
    records.events["t"] = [first]
    made = LiveTurn([first], OWNER, journal=FakeJournal(records), observer=lambda s, e: None)
    made.stamp(events)
    return made


def answering(turn: LiveTurn, *deltas: Delta) -> LiveTurn:
    assembler = Assembler("c")
    turn.answering = Answering(ASKED, PLAN, assembler)
    turn.stamp(assembler.feed(deltas))
    return turn


@pytest.mark.parametrize(
    ("told", "heard", "used"),
    [
        (Tokens(7, 5), 3, UsageCounted(7, 5)),
        (Tokens(7, 0), 0, UsageCounted(7, 0)),
        (None, 3, UsageCounted(90, 3, estimated=True)),
        (None, 0, UsageCounted(90, 0, estimated=True)),
        (Tokens(0, 0), 3, UsageCounted(90, 3, estimated=True)),
        (Tokens(7, 0), 3, UsageCounted(7, 3, estimated=True)),
        (Tokens(0, 5), 3, UsageCounted(90, 5, estimated=True)),
        (Tokens(-1, -1), 3, UsageCounted(90, 3, estimated=True)),
        (Tokens(7, -1), 0, UsageCounted(7, 0, estimated=True)),
        (Tokens(10**30, 10**30), 3, UsageCounted(90, 3, estimated=True)),
    ],
)
def test_a_figure_that_cannot_be_is_estimated_and_marked(
    told: Tokens | None, heard: int, used: UsageCounted
) -> None:
    assert usage_of(told, asked=lambda: 90, said=lambda: heard) == used


def test_a_whole_answer_is_paid_as_it_is_told() -> None:
    turn = answering(live(), Text("Hello"), Tokens(7, 5), Finish("stop"))

    assert settled(turn) == [UsageCounted(7, 5, cost=17.0)]
    assert turn.answering is None
    assert settled(answering(live(), Tokens(7, 0), Finish("stop"))) == [
        UsageCounted(7, 0, cost=7.0)
    ]


def test_a_cut_answer_is_paid_for_its_question_and_what_was_said() -> None:
    turn = answering(live(), Text("one "), Text("two "), Text("three"))

    (used,) = settled(turn)

    assert (used.input_tokens, used.estimated) == (9, True)
    assert used.cost == 9 + 2 * used.output_tokens


def test_a_call_that_was_cut_is_paid_for_though_nobody_has_seen_it() -> None:
    turn = answering(live(), CallPiece(0, "a", "look", '{"what":'))

    (used,) = settled(turn)

    assert (used.input_tokens, used.output_tokens) == (9, 2)


def test_a_model_that_said_nothing_has_used_nothing() -> None:
    assert settled(answering(live())) == []
    assert settled(live()) == []


async def test_a_model_that_was_stopped_or_took_too_long_unseen_is_paid_for_its_question() -> None:
    for error in (asyncio.CancelledError(), TimeoutError(), BudgetExceeded("Used up.")):
        turn = answering(live())
        await seal(turn, raising(error))
        assert settled(turn) == [UsageCounted(9, 0, estimated=True, cost=9.0)]

    stopped = answering(live())
    stopped.stopped = True
    await seal(stopped, raising(UpstreamUnavailable("fails on its way out")))
    assert len(settled(stopped)) == 1
    failed = answering(live())
    await seal(failed, raising(UpstreamUnavailable("gone")))
    assert settled(failed) == []


async def raising(error: BaseException) -> Terminal:
    raise error


def test_what_is_counted_already_is_not_counted_again() -> None:
    turn = answering(live(TextDelta("one "), ReasoningDelta("hm "), UsageCounted(9, 2)), Text("x"))

    (used,) = settled(turn)

    assert used.output_tokens == 1
    turn.stamp([used])
    assert settled(turn) == []


def test_what_a_process_that_died_left_behind_is_counted_with_its_question() -> None:
    turn = live(TextDelta("one "), TextDelta("two "))

    assert lost(ASKED, turn) == UsageCounted(9, 2, estimated=True)
    assert settled(turn) == [UsageCounted(2, 2, estimated=True)]


def test_words_of_a_scenario_are_no_models() -> None:
    scene = Scene("cards", "lost", "hand_over")
    turn = live(RouteChosen("m", "cloud", scenario=scene), TextDelta("I hand you over."))

    assert settled(turn) == []
