"""Open streams: counted from before the turn starts until the reader is closed."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from talkwire.canon.errors import RateLimited
from talkwire.engine.reader import Log, ReaderCut
from talkwire.web.admission import Admission, admit, before_turn, give_back, seated
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.rates import MemoryCounters, Rates
from tests.cases.turns import CASES
from tests.web.wire import reader, scope

ANN, BOB = Principal("ann", "k1"), Principal("bob", "k2")


@pytest.fixture
def admission() -> Admission:
    return Admission(Rates(MemoryCounters()), streams=2)


def asked(admission: Admission, principal: Principal = ANN) -> Request:
    given = scope()
    given[PRINCIPAL] = principal
    admit(given, admission)
    return Request(given)


async def test_a_stream_too_many_is_refused_before_its_turn_starts(admission: Admission) -> None:
    for _ in range(2):
        await before_turn(asked(admission), follow=True)

    with pytest.raises(RateLimited) as refused:
        await before_turn(asked(admission), follow=True)

    assert refused.value.retry_after_s >= 1
    await before_turn(asked(admission), follow=False)
    await before_turn(asked(admission, BOB), follow=True)


async def test_the_seat_of_a_turn_is_the_streams_and_free_again_when_it_is_closed(
    admission: Admission,
) -> None:
    request = asked(admission)
    await before_turn(request, follow=True)
    with seated(request) as seat:
        following = reader(Log())
        assert seat is not None
        seat.sit(following)
    admission.seat(ANN)
    with pytest.raises(RateLimited):
        admission.seat(ANN)

    following.close()
    following.close()

    admission.seat(ANN)
    with pytest.raises(RateLimited):
        admission.seat(ANN)


async def test_a_turn_that_did_not_start_takes_no_seat(admission: Admission) -> None:
    for _ in range(5):
        request = asked(admission)
        await before_turn(request, follow=True)
        give_back(request)
        give_back(request)

    assert not admission._taken


def test_what_fails_while_it_is_opened_takes_no_seat(admission: Admission) -> None:
    for _ in range(5):
        with pytest.raises(KeyError), seated(asked(admission)):
            raise KeyError

    assert not admission._taken


def test_nobody_counts_where_nothing_is_limited() -> None:
    with seated(Request(scope())) as seat:
        assert seat is None


async def test_the_streams_of_a_key_are_cut_and_no_others(admission: Admission) -> None:
    log = Log()
    followed = []
    for principal in (ANN, ANN, BOB):
        with seated(asked(admission, principal)) as seat:
            following = reader(log)
            assert seat is not None
            seat.sit(following)
            followed.append(following)
    waiting = followed[0].coming()
    assert admission.key_ids() == {"k1", "k2"}

    assert admission.cut({"k1", "unknown"}) == 2

    await waiting
    for each in followed[:2]:
        with pytest.raises(ReaderCut):
            await each.next()
    followed[2].coming()


async def test_a_cut_reader_shows_nothing_more_of_what_it_was_behind() -> None:
    following = reader(Log(next(iter(CASES.values()))))
    following.cut()

    assert not following.ready()
    with pytest.raises(ReaderCut):
        following.coming()
