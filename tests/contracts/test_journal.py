"""What every implementation of the port `Journal` must hold."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talkwire.canon.errors import Conflict
from talkwire.canon.events import Stamped
from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import Listener, deltas, new_turn, outcome
from tests.databases import Another, node_of

Journal = SqlJournal | MemoryJournal


async def test_appended_events_are_told_and_read_without_gaps(
    journal: Journal, records: SqlRecords
) -> None:
    turn = (await records.start(new_turn())).record.turn_id
    tail = Listener()
    journal.attach(turn, tail)
    for n in range(1, 101):
        journal.append(turn, deltas(n, "x"))
    await tail.reach(101)

    assert [s.n for s in await journal.read(turn, 0)] == list(range(101))
    assert [s.n for s in await journal.read(turn, 98)] == [98, 99, 100]
    assert tail.steps == sorted(tail.steps)


async def test_an_unknown_turn_has_no_events(journal: Journal) -> None:
    assert await journal.read("t_none", 0) == []


async def test_the_end_is_told_after_it_is_held_and_read_from_the_log(
    journal: Journal, records: SqlRecords
) -> None:
    started = await records.start(new_turn())
    turn = started.record.turn_id
    tail = Listener()
    journal.attach(turn, tail)
    said = deltas(1, "a", "b")
    journal.append(turn, said)
    await journal.finish(outcome(started, said))

    assert tail.until == 4
    assert (await records.turn("ann", turn)).ended
    journal.detach(turn)
    assert await journal.read(turn, 0) == [*started.events, *said, *outcome(started, said).tail]
    assert tail.steps == sorted(tail.steps)


async def test_only_the_first_of_two_racing_ends_is_stored(
    journal: Journal, records: SqlRecords
) -> None:
    started = await records.start(new_turn())
    ends = [outcome(started), outcome(started, aborted=True)]
    results = await asyncio.gather(*map(journal.finish, ends), return_exceptions=True)

    assert [type(r) for r in results] == [type(None), Conflict]
    assert (await records.turn("ann", started.record.turn_id)).status == "completed"
    path = await records.path("ann", "s_1", f"msg_{started.record.turn_id}")
    assert len(path) == 2
    await journal.finish(ends[0])  # the same end again, as after an answer that got lost


async def test_many_turns_at_once_do_not_mix(journal: Journal, records: SqlRecords) -> None:
    turns = [(await records.start(new_turn(f"s_{i}"))).record.turn_id for i in range(30)]
    tails = {turn: Listener() for turn in turns}
    for turn, tail in tails.items():
        journal.attach(turn, tail)
    for n in range(1, 21):
        for turn in turns:
            journal.append(turn, deltas(n, turn))
        await asyncio.sleep(0)
    for turn, tail in tails.items():
        await tail.reach(21)
        read = await journal.read(turn, 1)
        assert read == deltas(1, *[turn] * 20)
    starts = {turn: n for n, turn in enumerate(turns[:15])}
    many = await journal.read_many({**starts, "t_none": 0})
    assert many.pop("t_none") == []
    assert many == {turn: await journal.read(turn, start) for turn, start in starts.items()}


async def test_ended_and_running_turns_are_read_together(
    journal: Journal, records: SqlRecords
) -> None:
    ended, running = [await records.start(new_turn(f"s_{i}")) for i in range(2)]
    await journal.finish(outcome(ended))
    names = [each.record.turn_id for each in (ended, running)]

    many = await journal.read_many({names[0]: 1, names[1]: 0})

    assert many[names[0]] == (await journal.read(names[0], 0))[1:]
    assert many[names[1]] == list(running.events)


_steps = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(["append", "yield", "read"])),
    max_size=30,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_steps, memory=st.booleans())
def test_any_interleaving_reads_as_a_prefix_of_what_was_appended(
    make: Another, steps: list[tuple[int, int, str]], memory: bool
) -> None:
    asyncio.run(_interleave(make, steps, memory))


async def _interleave(make: Another, steps: list[tuple[int, int, str]], memory: bool) -> None:
    database = make()
    await database.open()
    nodes = node_of(database)
    await nodes.join()
    records = SqlRecords(database, lambda: nodes.node)
    sql = SqlJournal(database, write_outcome)
    journal: Journal = MemoryJournal(sql.finish, sql.read) if memory else sql
    started = [await records.start(new_turn(on_busy="interrupt")) for _ in range(3)]
    said: list[list[Stamped]] = [[], [], []]
    tails = [Listener() for _ in started]
    for turn, tail in zip(started, tails, strict=True):
        journal.attach(turn.record.turn_id, tail)
    for which, size, step in steps:
        turn_id = started[which].record.turn_id
        if step == "append":
            batch = deltas(len(said[which]) + 1, *["x"] * size)
            said[which] += batch
            journal.append(turn_id, batch)
        elif step == "yield":
            await asyncio.sleep(0)
        else:
            told = tails[which].until
            read = await journal.read(turn_id, 1)
            assert read == said[which][: len(read)]
            assert len(read) >= told - 1
    for turn, tail, events in zip(started, tails, said, strict=True):
        end = outcome(turn, events)
        await journal.finish(end)
        assert tail.until == len(end.log)
        journal.detach(turn.record.turn_id)
        assert await journal.read(turn.record.turn_id, 0) == list(end.log)
    await database.close()
