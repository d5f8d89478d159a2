"""A breaker opens, waits, tries and closes; it is pure, so the test is its clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.models.breaker import WINDOW, Breaker, Leave, Tolerance

TOLERANCE = Tolerance(failures=3, open_s=10.0, open_max_s=35.0)


def fail(breaker: Breaker, now: float, times: int = 1) -> None:
    for _ in range(times):
        breaker.failed(breaker.ask(now), now)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(TOLERANCE)
    fail(breaker, now, 3)
    return breaker


def test_failures_in_a_row_open_it_and_a_whole_answer_begins_the_row_anew() -> None:
    breaker = Breaker(TOLERANCE)

    fail(breaker, 0, 2)
    breaker.answered(breaker.ask(0), 0)
    fail(breaker, 0, 2)
    assert breaker.state(0) == "closed"
    fail(breaker, 0)

    assert (breaker.state(0), breaker.lets_through(0), breaker.opens_in_s(4)) == ("open", False, 6)


def test_half_of_the_last_ones_open_it_too() -> None:
    breaker = Breaker(TOLERANCE)
    for number in range(WINDOW):
        if number % 2:
            fail(breaker, 0)
        else:
            breaker.answered(breaker.ask(0), 0)

    assert breaker.state(0) == "open"


def test_old_outcomes_are_forgotten() -> None:
    breaker = Breaker(TOLERANCE)
    for number in range(2 * WINDOW):
        fail(breaker, number * 10)
        breaker.answered(breaker.ask(number * 10), number * 10)

    assert breaker.state(1000) == "closed"


def test_one_trial_is_let_through_after_the_back_off_and_closes_it_by_its_first_token() -> None:
    breaker = opened()
    assert breaker.state(10) == "half-open"

    trial = breaker.ask(10)
    assert (breaker.tried, breaker.lets_through(10)) == (True, False)
    breaker.said(trial)

    assert breaker.state(10) == "closed"
    assert breaker.lets_through(10)


def test_the_back_off_grows_to_its_bound_until_a_whole_answer() -> None:
    breaker, now, waited = opened(), 0.0, []
    for _ in range(4):
        waited.append(breaker.opens_in_s(now))
        now += waited[-1]
        fail(breaker, now)
    assert waited == [10, 20, 35, 35]

    now += 35
    trial = breaker.ask(now)
    breaker.said(trial)
    fail(breaker, now, 3)  # it spoke, but nobody heard an answer to its end
    assert breaker.opens_in_s(now) == 35

    now += 35
    breaker.answered(breaker.ask(now), now)
    fail(breaker, now, 3)
    assert breaker.opens_in_s(now) == 10


def test_a_trial_that_is_cancelled_leaves_room_for_another_one() -> None:
    breaker = opened()
    trial = breaker.ask(10)

    breaker.left(trial)
    breaker.left(trial)

    assert (breaker.state(10), breaker.tried, breaker.lets_through(10)) == (
        "half-open",
        False,
        True,
    )


def test_an_early_trial_may_close_it_and_never_lengthens_the_wait() -> None:
    breaker = opened()
    fail(breaker, 5)
    assert (breaker.opens_in_s(5), breaker.tried) == (5, False)

    breaker.said(breaker.ask(5))

    assert breaker.state(5) == "closed"


def test_a_crowd_that_fails_together_opens_it_once() -> None:
    breaker = Breaker(TOLERANCE)
    crowd = [breaker.ask(0) for _ in range(50)]
    for each in crowd[:40]:
        breaker.failed(each, 1)
    assert breaker.opens_in_s(1) == 10

    breaker.said(breaker.ask(11))
    for each in crowd[40:]:
        breaker.failed(each, 12)

    assert breaker.state(12) == "closed"


def test_what_began_before_it_opened_does_not_close_it() -> None:
    breaker = Breaker(TOLERANCE)
    old = breaker.ask(0)
    fail(breaker, 0, 3)

    breaker.said(old)
    breaker.answered(old, 1)

    assert breaker.state(1) == "open"


def test_a_check_that_finds_somebody_closes_it_only_after_one_that_found_nobody() -> None:
    breaker = opened()
    breaker.checked(True, 1)
    assert breaker.state(1) == "open", "the check sees less than what had failed"

    breaker.checked(False, 2)
    assert breaker.opens_in_s(2) == 8
    breaker.checked(True, 3)

    assert breaker.state(3) == "closed"


def test_a_check_that_finds_nobody_opens_it_and_keeps_it_open() -> None:
    breaker = Breaker(TOLERANCE)

    breaker.checked(False, 0)
    assert breaker.state(0) == "open"
    breaker.checked(False, 10)

    assert (breaker.state(10), breaker.opens_in_s(10)) == ("open", 20)


Deed = st.tuples(
    st.sampled_from(["ask", "said", "answered", "failed", "left", "reached", "missed"]),
    st.integers(0, 5),
    st.floats(0, 20),
)


@given(st.lists(Deed, max_size=60))
def test_whatever_happens_it_is_never_shut_for_good(deeds: list[tuple[str, int, float]]) -> None:
    breaker, now, running = Breaker(TOLERANCE), 0.0, list[Leave]()
    for deed, which, passed in deeds:
        now += passed
        if deed == "ask":
            running.append(breaker.ask(now))
        elif deed in ("reached", "missed"):
            breaker.checked(deed == "reached", now)
        elif running:
            leave = running[which % len(running)]
            if deed == "said":
                breaker.said(leave)
                continue
            if deed in ("answered", "failed"):
                getattr(breaker, deed)(leave, now)
            breaker.left(leave)
            running.remove(leave)
        assert breaker.opens_in_s(now) < TOLERANCE.open_max_s + 0.001
    for leave in running:
        breaker.left(leave)

    assert not breaker.tried
    assert breaker.lets_through(now + TOLERANCE.open_max_s + 0.001)


def test_a_limit_on_failures_of_one_opens_at_once() -> None:
    breaker = Breaker(Tolerance(failures=1))
    fail(breaker, 0)

    assert breaker.opens_in_s(0) == pytest.approx(5)
