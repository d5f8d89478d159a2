"""The memory journal joins what storage holds and what it holds itself."""

from __future__ import annotations

from talkwire.canon.events import Stamped
from talkwire.canon.records import Outcome
from talkwire.journals.memory import MemoryJournal
from tests.contracts.turn_values import Listener, deltas


class _Storage:
    def __init__(self, *events: Stamped) -> None:
        self.events = list(events)
        self.ends: list[Outcome] = []

    async def finish(self, outcome: Outcome) -> None:
        self.ends.append(outcome)

    async def read(self, turn_id: str, start: int) -> list[Stamped]:
        del turn_id
        return [s for s in self.events if s.n >= start]


async def test_event_0_comes_from_storage_and_the_rest_from_memory() -> None:
    storage = _Storage(*deltas(0, "a"))
    journal = MemoryJournal(storage.finish, storage.read)
    journal.attach("t", Listener())
    journal.append("t", deltas(1, "b", "c"))

    assert await journal.read("t", 0) == deltas(0, "a", "b", "c")
    assert await journal.read("t", 2) == deltas(2, "c")


async def test_a_gap_is_not_crossed() -> None:
    storage = _Storage()
    journal = MemoryJournal(storage.finish, storage.read)
    journal.attach("t", Listener())
    journal.append("t", deltas(1, "b"))

    assert await journal.read("t", 0) == []


async def test_what_is_detached_is_forgotten() -> None:
    storage = _Storage()
    journal = MemoryJournal(storage.finish, storage.read)
    tail = Listener()
    journal.attach("t", tail)
    journal.append("t", deltas(0, "a"))
    journal.detach("t")
    journal.append("t", deltas(1, "b"))

    assert tail.until == 1
    assert await journal.read("t", 0) == []
