"""A stream ends where a budget does, with all that fits and nothing more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from talkwire.canon.budgets import Payer, Sum
from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Text, Tokens, Words
from talkwire.canon.errors import BudgetExceeded
from talkwire.canon.events import Stamped, UsageCounted
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import ModelRequest, Plan, text_message
from talkwire.engine.metering import Left, Meter, Stream, exceeded

ASKED = ModelRequest("m", (text_message("a", "user", "four tokens of text"),))
GIVEN = 9  # tokens of `ASKED`
PLAN = Plan("m", "cloud", price_in=1_000_000.0, price_out=2_000_000.0)
KEY, USER = Payer("key", "k1"), Payer("user", "ann")


class Purse:
    """An account with these limits left, less what is under way."""

    def __init__(self, *lefts: Left) -> None:
        self.lefts = lefts
        self.under_way: set[Meter] = set()
        self.used = Sum()
        self.charged: list[Sum] = []
        self.spent = 0.25

    def left(self) -> list[Left]:
        used = self.used
        return [
            Left(each.payer, each.period, each.tokens - used.tokens, each.cost - used.cost)
            for each in self.lefts
        ]

    def use(self, tokens: int, cost: float) -> None:
        self.used = self.used.plus(Sum(tokens, cost))

    def charge(self, used: Sum) -> None:
        self.charged.append(used)


def metered(*lefts: Left, plan: Plan = PLAN) -> tuple[Stream, Meter, Purse]:
    purse = Purse(*lefts)
    meter = Meter([purse], TurnState())
    return meter.begin(ASKED, plan), meter, purse


class Heard:
    """Who hears a model; what comes through `stream` is in `said`."""

    def __init__(self, stream: Stream) -> None:
        self.said: list[Delta] = []
        self.hear = stream.bounded(lambda deltas: self.said.extend(deltas))

    def until_it_ends(self, reads: Sequence[Sequence[Delta]]) -> BudgetExceeded | None:
        for read in reads:
            try:
                self.hear(read)
            except BudgetExceeded as error:
                return error
        return None

    @property
    def text(self) -> str:
        return "".join(each.text for each in self.said if isinstance(each, Words))


def tokens_left(count: float) -> Left:
    return Left(KEY, "day", tokens=count)


@pytest.mark.parametrize("budget", [20, 100, 333, 2000])
@pytest.mark.parametrize("read", [1, 3, 50, 1000])
def test_a_stream_of_tokens_ends_at_the_token_however_it_is_read(budget: int, read: int) -> None:
    words = [f"w{k} " for k in range(5000)]
    reads = [
        [Text("".join(words[k : k + read]), len(words[k : k + read]))]
        for k in range(0, len(words), read)
    ]
    stream, meter, _ = metered(tokens_left(budget))
    heard = Heard(stream)

    error = heard.until_it_ends(reads)

    assert error is not None
    assert heard.text == "".join(words)[: len(heard.text)]
    said = len(heard.text.split())
    assert abs(GIVEN + said - budget) <= math.ceil(0.02 * budget)
    assert GIVEN + stream.tokens <= budget
    assert meter.using.tokens == pytest.approx(budget, abs=1)


@pytest.mark.parametrize("budget", [50, 400, 3000])
@pytest.mark.parametrize("piece", [10, 60, 4000])
def test_long_pieces_are_cut_where_their_length_says(budget: int, piece: int) -> None:
    text = "abc " * 20_000  # a token a word
    reads = [[Text(text[k : k + piece])] for k in range(0, len(text), piece)]
    stream, _, _ = metered(tokens_left(budget))
    heard = Heard(stream)

    assert heard.until_it_ends(reads) is not None
    assert GIVEN + len(heard.text) / 4 == pytest.approx(budget, rel=0.05)
    assert GIVEN + stream.tokens <= budget


def test_an_answer_that_fits_to_the_last_token_is_whole() -> None:
    words = [[Text(f"w{k} ")] for k in range(11)]
    stream, _, _ = metered(tokens_left(GIVEN + 11))
    heard = Heard(stream)

    assert heard.until_it_ends([*words, [Tokens(7, 11), Finish("stop")]]) is None
    assert (len(heard.said), stream.tokens) == (13, 11)


def test_thinking_and_calls_count_as_what_is_said() -> None:
    stream, _, _ = metered(tokens_left(GIVEN + 4))
    heard = Heard(stream)
    calls = [CallPiece(0, "a", "look", "{"), CallPiece(0, arguments="}")]

    assert heard.until_it_ends([[Reasoning("hm ")], calls, [Text("so ")]]) is None
    assert heard.until_it_ends([[CallPiece(0, arguments="more")]]) is not None
    assert stream.tokens == 4


def test_a_cut_keeps_what_came_before_it_and_no_half_of_a_character() -> None:
    stream, _, _ = metered(tokens_left(GIVEN + 3))
    heard = Heard(stream)
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert heard.until_it_ends([[Text("a "), Text("b "), Text(family * 9)]]) is not None
    assert heard.text == "a b " + family * (heard.text.count(family))


def test_money_bounds_what_is_said_by_its_price() -> None:
    stream, meter, _ = metered(Left(USER, "month", cost=GIVEN + 2.0 * 10))
    heard = Heard(stream)

    assert heard.until_it_ends([[Text(f"w{k} ")] for k in range(50)]) is not None
    assert heard.text == "".join(f"w{k} " for k in range(10))
    assert meter.using.cost == GIVEN + 20


def test_the_tightest_of_all_limits_is_the_one_that_is_told() -> None:
    stream, _, _ = metered(tokens_left(500), Left(USER, "month", cost=GIVEN + 2.0))
    error = Heard(stream).until_it_ends([[Text("a "), Text("b ")]])

    assert stream.most == 1
    assert error is not None
    assert "this user for the month" in error.message
    assert "此用户本月" in error.message
    assert (error.code, error.retryable) == ("budget_exceeded", False)


@pytest.mark.parametrize("left", [0, -5, GIVEN, GIVEN + 0.5])
def test_a_question_that_uses_all_up_is_not_asked(left: float) -> None:
    with pytest.raises(BudgetExceeded):
        metered(tokens_left(left))


def test_without_a_price_money_bounds_nothing_and_nothing_is_counted() -> None:
    stream, _, _ = metered(Left(KEY, "day", cost=0.01), plan=Plan("m", "cloud"))

    def hear(deltas: Sequence[Delta]) -> None: ...

    assert stream.bounded(hear) is hear


def test_money_that_is_spent_is_spent_also_where_the_answer_has_no_price() -> None:
    with pytest.raises(BudgetExceeded):
        metered(Left(KEY, "day", cost=-1.0), plan=Plan("m", "cloud"))


def test_several_answers_of_a_turn_share_what_is_left() -> None:
    stream, meter, _ = metered(tokens_left(100))
    Heard(stream).until_it_ends([[Text("a ")] * 30])

    aside = meter.begin(ASKED, PLAN)

    assert aside.most == 100 - GIVEN - 30 - GIVEN
    aside.end()
    assert meter.using.tokens == GIVEN + 30


def test_an_answer_that_has_ended_counts_as_its_usage_is_told() -> None:
    purse, state = Purse(tokens_left(100)), TurnState()
    meter = Meter([purse], state)
    stream = meter.begin(ASKED, PLAN)
    Heard(stream).until_it_ends([[Text("a ")] * 30])

    stream.end()
    state.apply(Stamped(0, 1, UsageCounted(7, 28, cost=0.5)))

    assert meter.using == Sum(35, 0.5)
    assert meter.begin(ASKED, PLAN).most == 100 - 35 - GIVEN
    assert meter.spent == 0.25
    meter.close(stored=True)
    assert (purse.charged, purse.under_way) == ([Sum(35, 0.5)], set())


def test_a_turn_that_another_process_carries_on_is_charged_there() -> None:
    _, meter, purse = metered(tokens_left(100))
    meter.close(stored=False)

    assert (purse.charged, purse.under_way) == ([], set())


@pytest.mark.parametrize(
    ("own", "left", "context", "sent"),
    [
        (None, 100, 128_000, 100 + 25 + 16),
        (500, 100, 128_000, 100 + 25 + 16),
        (50, 100, 128_000, 50),
        (50_000, 20_000, 128_000, 25_016),
        (None, 20_000, 128_000, None),  # some models would refuse so much
        (None, 100, 120, None),
    ],
)
def test_a_model_is_asked_for_little_more_than_what_is_left(
    own: int | None, left: int, context: int, sent: int | None
) -> None:
    plan = Plan("m", "cloud", context_tokens=context)
    stream, _, _ = metered(tokens_left(GIVEN + left), plan=plan)
    free, _, _ = metered()

    asked = structs.replace(ASKED, max_output_tokens=own)

    assert stream.capped(asked).max_output_tokens == sent
    assert free.capped(asked) == asked


def test_what_is_under_way_is_a_sum_that_is_kept() -> None:
    purse, state = Purse(tokens_left(1000)), TurnState()
    state.apply(Stamped(0, 1, UsageCounted(1, 2)))  # of a process before
    meter = Meter([purse], state)
    stream = meter.begin(ASKED, PLAN)
    heard = Heard(stream)
    assert purse.used == Sum(3 + GIVEN, GIVEN)

    heard.until_it_ends([[Text("a ")], [Text("long" * 20)], [Text("b ")] * 9])

    assert purse.used == Sum(3 + GIVEN + stream.tokens, GIVEN + 2.0 * stream.tokens)
    stream.end()
    stream.end()
    assert purse.used == Sum(3, 0)
    state.apply(Stamped(1, 1, UsageCounted(7, 28, cost=0.5)))
    meter.look()
    assert purse.used == Sum(38, 0.5)
    meter.close(stored=True)
    assert (purse.used, purse.charged) == (Sum(), [Sum(38, 0.5)])


def test_turns_under_way_leave_less_to_those_that_begin() -> None:
    stream, _, purse = metered(tokens_left(100))
    Heard(stream).until_it_ends([[Text("a ")] * 30])

    assert Meter([purse], TurnState()).begin(ASKED, PLAN).most == 100 - GIVEN - 30 - GIVEN


@given(
    st.lists(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5), max_size=30),
    st.integers(1, 60),
)
def test_never_is_more_kept_than_was_left_and_never_is_anything_changed(
    reads: list[list[str]], most: int
) -> None:
    stream, _, _ = metered(tokens_left(GIVEN + most))
    heard = Heard(stream)

    error = heard.until_it_ends([[Text(text) for text in read] for read in reads])

    whole = "".join(text for read in reads for text in read)
    assert stream.tokens <= most
    assert whole.startswith(heard.text)
    assert (error is None) == (heard.text == whole) or error is not None


def test_before_a_turn_it_is_told_when_there_is_more() -> None:
    now = 1_772_445_600_000  # 2026-03-02T10:00:00Z
    day = exceeded(Left(KEY, "day"), now=now)
    total = exceeded(Left(KEY, "total"), now=now)

    assert (day.status, day.retry_after_s) == (429, 14 * 3600)
    assert "2026-03-03T00:00:00Z" in day.message
    assert (total.status, total.retry_after_s) == (403, None)
    assert "in all" in total.message
