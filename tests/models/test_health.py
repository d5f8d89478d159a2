"""What requests and checks tell of a deployment."""

from __future__ import annotations

import pytest

from talkwire.canon.errors import (
    ModelError,
    UpstreamAuth,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.models.breaker import Tolerance
from talkwire.models.health import LIMITED_S, REST_MAX_S, Crowded, Health, elsewhere

GONE = UpstreamUnavailable("gone")


class Clock:
    """The time is what it is set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(Tolerance(failures=2, open_s=10.0), clock)


def fail(health: Health, error: ModelError = GONE, *, blamed: bool = True) -> None:
    asked = health.ask()
    asked.failed(error, blamed=blamed)
    asked.left()


def answer(health: Health) -> None:
    asked = health.ask()
    asked.said()
    asked.answered()
    asked.left()


def limited(retry_after_s: float | None = None) -> ModelError:
    error = UpstreamRateLimited("slow down")
    error.retry_after_s = retry_after_s
    return error


def test_running_requests_are_counted_until_they_are_left(health: Health) -> None:
    first, second = health.ask(), health.ask()
    assert health.running == 2

    first.left()
    first.left()
    second.answered()
    second.left()

    assert health.running == 0


def test_one_that_is_cancelled_counts_neither_way(health: Health) -> None:
    fail(health)
    asked = health.ask()
    asked.left()

    assert (health.running, health.state, health.errors.total()) == (0, "closed", 1)
    fail(health)
    assert health.state == "open", "it was still in a row"


def test_what_the_request_is_to_blame_for_does_not_count(health: Health) -> None:
    for _ in range(9):
        fail(health, UpstreamRejected("too long"), blamed=False)

    assert (health.state, health.error_rate) == ("closed", 0.0)
    assert health.errors == {"upstream_rejected": 9}


def test_failures_open_the_breaker_and_are_told_by_kind(health: Health, clock: Clock) -> None:
    fail(health, UpstreamTimeout("slow"))
    fail(health)

    assert health.errors == {"upstream_timeout": 1, "upstream_unavailable": 1}
    assert (health.state, health.lets_through(), health.ready_in_s()) == ("open", False, 10)
    assert health.why() == "it failed (upstream_unavailable) and is left alone for 10 s more"
    clock.now += 10
    assert (health.state, health.lets_through(), health.why()) == ("half-open", True, "")
    health.ask()
    assert health.why() == "it failed (upstream_unavailable) and is being tried again"


@pytest.mark.parametrize(
    ("told", "rests"), [(None, LIMITED_S), (7.0, 7.0), (0.0, 0.0), (80_000.0, REST_MAX_S)]
)
def test_a_rate_limit_is_a_rest_and_no_failure(
    told: float | None, rests: float, health: Health, clock: Clock
) -> None:
    for _ in range(5):
        fail(health, limited(told))

    assert health.state == "closed"
    assert health.ready_in_s() == pytest.approx(rests)
    if rests:
        assert "limits the rate" in health.why()
    clock.now += rests
    assert health.lets_through()


def test_a_failure_that_says_when_to_come_back_is_a_rest_too(health: Health, clock: Clock) -> None:
    error = UpstreamUnavailable("loading")
    error.retry_after_s = 30.0

    fail(health, error)

    assert not health.lets_through()
    clock.now += 30
    assert health.lets_through()


def test_latency_is_the_time_to_the_first_token_and_follows_slowly(
    health: Health, clock: Clock
) -> None:
    assert health.latency_s is None
    for took in (1.0, 2.0):
        asked = health.ask()
        clock.now += took
        asked.said()
        clock.now += 50
        asked.answered()
        asked.left()

    assert health.latency_s == pytest.approx(1.2)


def test_the_error_rate_rises_falls_and_fades(health: Health, clock: Clock) -> None:
    fail(health)
    risen = health.error_rate
    answer(health)
    assert 0 < health.error_rate < risen

    before = health.error_rate
    clock.now += 60
    assert health.error_rate == pytest.approx(before / 2)


def test_a_check_that_fails_while_answers_flow_tells_nothing(health: Health) -> None:
    asked = health.ask()
    health.checked(GONE)
    assert health.lets_through()

    asked.left()
    health.checked(GONE)
    assert not health.lets_through()
    health.checked(None)
    assert health.lets_through()


@pytest.mark.parametrize(
    "error",
    [UpstreamAuth, UpstreamNotFound, UpstreamInvalid, UpstreamRateLimited, Crowded, ModelError],
)
def test_a_check_that_is_refused_has_found_somebody(
    error: type[ModelError], health: Health, clock: Clock
) -> None:
    health.checked(error("no"))
    assert health.lets_through()

    fail(health)
    fail(health)
    clock.now += 10
    health.checked(error("no"))
    assert health.state == "half-open", "nor does it keep it open"


def test_one_at_a_time_tries_whether_a_rest_is_needed(health: Health) -> None:
    fail(health, limited(20.0))
    assert (health.tried, health.free) == (False, True)

    trial = health.ask()
    assert (health.tried, health.free) == (True, False)
    trial.left()
    assert not health.tried

    trial = health.ask()
    trial.failed(limited(20.0), blamed=True)
    trial.left()
    assert (health.tried, health.lets_through()) == (False, False)


def test_who_was_asked_during_a_rest_ends_it_by_an_answer(health: Health) -> None:
    before = health.ask()
    fail(health, limited(20.0))
    before.said()
    before.answered()
    assert not health.lets_through(), "it was sent before the limit was reached"

    trial = health.ask()
    trial.said()
    assert (health.lets_through(), health.tried, health.why()) == (True, False, "")

    fail(health, limited(20.0))
    trial.answered()
    assert not health.lets_through(), "another rest was asked for after it"


def test_our_own_limit_says_nothing_of_the_server() -> None:
    health = Health(Tolerance(failures=1), most=2)
    first, second = health.ask(), health.ask()
    assert (health.full, health.free, health.lets_through()) == (True, False, True)

    first.failed(Crowded("all in use"), blamed=True)
    first.left()

    assert (health.full, health.state, health.error_rate) == (False, "closed", 0.0)
    assert not health.errors
    second.left()


def test_a_slow_start_is_forgotten_when_nothing_was_said_for_long(
    health: Health, clock: Clock
) -> None:
    asked = health.ask()
    clock.now += 120
    asked.said()
    told = []
    for passed in (300, 1):
        clock.now += passed
        told.append(health.latency_s)
    assert told == [120, None]

    asked = health.ask()
    clock.now += 1
    asked.said()

    assert health.latency_s == 1, "it begins anew"


def test_a_check_ends_no_rest(health: Health) -> None:
    fail(health, limited(20.0))

    health.checked(None)

    assert not health.lets_through()


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (UpstreamUnavailable, True),
        (UpstreamTimeout, True),
        (UpstreamRateLimited, True),
        (UpstreamAuth, True),
        (UpstreamNotFound, True),
        (UpstreamInvalid, True),
        (UpstreamRejected, False),
        (ModelError, False),
    ],
)
def test_another_deployment_may_do_better_unless_the_request_is_to_blame(
    error: type[ModelError], may: bool
) -> None:
    assert elsewhere(error("no")) is may
