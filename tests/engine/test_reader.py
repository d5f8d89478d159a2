from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.events import AnyEvent, Stamped, TextDelta, TurnCompleted
from talkwire.engine.reader import MOST_AT_ONCE, Log, Reader, ReaderCut
from tests.canon.strategies import numbered
from tests.engine.fakes import cut, drained, steps


def texts(count: int, *more: AnyEvent) -> list[Stamped]:
    return numbered([*(TextDelta(str(n)) for n in range(count)), *more])


def reader_of(log: Log) -> Reader:
    return Reader(log, turn_id="t", session_id="s")


def unheld(events: list[Stamped]) -> Log:
    log = Log()
    log.events.extend(events)
    return log


moments = st.tuples(st.booleans(), st.integers(0, 3), st.lists(st.booleans(), max_size=4))


@given(st.integers(0, 12), st.lists(moments, max_size=10))
def test_any_pattern_of_commits_shows_each_event_once_and_in_order(
    count: int, pattern: list[tuple[bool, int, list[bool]]]
) -> None:
    turn = texts(count, TurnCompleted("stop"))
    log = unheld(turn)
    readers: list[tuple[Reader, list[Stamped]]] = [(reader_of(log), [])]
    for joins, held, read in pattern:
        if joins:
            readers.append((reader_of(log), []))
        log.show(min(log.held + held, len(turn)))
        for (reader, taken), now in zip(readers, read, strict=False):
            taken += reader.ready() if now else []
            assert len(taken) <= log.held
    log.show(len(turn))
    for reader, taken in readers:
        taken += reader.ready()
        assert taken == turn
        assert reader.ended
        assert reader.ready() == ()


def test_nothing_beyond_what_is_held_is_seen() -> None:
    log = unheld(texts(3, TurnCompleted("stop")))
    reader = reader_of(log)

    assert reader.ready() == ()
    log.show(2)
    assert [s.n for s in reader.ready()] == [0, 1]
    assert not reader.turn_ended
    log.show(1)  # told late: what is held stays held
    assert (log.held, reader.ready()) == (2, ())


async def test_all_waiting_readers_wake_for_a_commit() -> None:
    log = unheld(texts(2))
    readers = [reader_of(log) for _ in range(3)]
    waiting = [asyncio.create_task(reader.next()) for reader in readers]
    await steps(3)
    assert not any(task.done() for task in waiting)

    log.show(2)

    assert await asyncio.gather(*waiting) == [log.events] * 3


async def test_a_late_reader_sees_the_whole_turn_and_then_waits_no_more() -> None:
    events = texts(600, TurnCompleted("stop"))
    reader = reader_of(Log(events))

    assert reader.turn_ended
    assert not reader.ended
    assert len(await reader.next()) == MOST_AT_ONCE
    assert not reader.ended
    assert len(await drained(reader)) == 601 - MOST_AT_ONCE
    assert await reader.next() == ()


async def test_a_poke_wakes_with_nothing_and_once() -> None:
    log = unheld(texts(1))
    reader = reader_of(log)
    waiting = asyncio.ensure_future(reader.next())
    await steps(2)
    reader.poke()
    assert await waiting == ()

    reader.poke()
    reader.poke()
    assert await reader.next() == ()
    waiting = asyncio.ensure_future(reader.next())
    await steps(3)
    assert not waiting.done()
    log.show(1)
    assert len(await waiting) == 1


async def test_a_poke_takes_nothing_away() -> None:
    log = unheld(texts(1))
    reader = reader_of(log)
    reader.poke()
    log.show(1)

    assert len(await reader.next()) == 1


async def test_a_cut_ends_readers_after_what_is_held() -> None:
    log = unheld(texts(3))
    early, late = reader_of(log), reader_of(log)
    waiting = asyncio.ensure_future(cut(early))
    await steps(2)
    log.show(2)
    log.cut()

    assert [s.n for s in await waiting] == [0, 1]
    assert [s.n for s in await cut(late)] == [0, 1]
    assert not early.ended


async def test_a_cut_after_the_end_takes_nothing_away() -> None:
    log = Log(texts(1, TurnCompleted("stop")))
    log.cut()

    assert len(await drained(reader_of(log))) == 2


async def test_a_reader_that_is_cancelled_can_read_on() -> None:
    log = unheld(texts(1))
    reader = reader_of(log)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await reader.next()
    log.show(1)

    assert len(await reader.next()) == 1
    log.cut()
    with pytest.raises(ReaderCut):
        await reader.next()


def test_the_last_one_to_leave_is_noticed_once() -> None:
    left: list[int] = []
    log = Log()
    log.on_left = lambda: left.append(1)
    one, two = reader_of(log), reader_of(log)

    one.close()
    one.close()
    assert left == []
    two.close()
    two.close()
    assert left == [1]
    assert log.readers == set()


async def test_a_reader_that_takes_what_comes_is_not_woken() -> None:
    log = Log(texts(3))
    log.held = 0
    reader = Reader(log, turn_id="t", session_id="s")
    taken: list[int] = []

    def take() -> bool:
        taken.append(len(reader.ready()))
        return len(taken) < 2

    waiting = reader.coming(take)
    log.show(1)
    assert taken == [1]
    assert not waiting.done()
    log.show(2)
    assert taken == [1, 1]
    assert waiting.done()
    log.show(3)
    assert taken == [1, 1], "nobody waits any more"
