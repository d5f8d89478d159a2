"""What is kept of histories never changes an answer, and saves the walk over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from talkwire.canon.records import StoredMessage
from talkwire.canon.turn import text_message
from talkwire.stores import sessions
from talkwire.stores.cache import CachedRecords, Histories
from talkwire.stores.database import Database
from talkwire.stores.redis import RedisLink
from talkwire.stores.schema import messages
from talkwire.stores.turns import SqlRecords
from tests.databases import Another, AnyDatabase
from tests.services.link import Link
from tests.services.redis import Redis

_numbers = count(1)


async def _grow(
    database: Database,
    size: int,
    *,
    parent: str | None = None,
    owner: str = "ann",
    session: str = "s",
) -> str:
    """Add a chain of messages; the id of the last one."""
    batch = [text_message(f"m_{next(_numbers)}", "user", "words " * 10) for _ in range(size)]
    leaf = await database.write(
        lambda c: sessions.chain(
            c, batch, owner=owner, session_id=session, parent_id=parent, turn_id="t", at=1
        )
    )
    assert leaf is not None
    return leaf


class Node(NamedTuple):
    """One server's way to the same histories."""

    link: RedisLink
    histories: Histories
    records: CachedRecords

    async def path(self, leaf: str | None, owner: str = "ann") -> list[StoredMessage]:
        """As read by the records; what is to be kept is kept when this returns."""
        found = await self.records.path(owner, "s", leaf)
        await self.link.settle()
        return found


def _node(database: Database, url: str, *, timeout_s: float = 5, **bounds: Any) -> Node:
    link = RedisLink(url, timeout_s=timeout_s, probe_s=0.05)
    histories = Histories(link, **{"min_messages": 1} | bounds)
    return Node(link, histories, CachedRecords(database, lambda: "n", histories=histories))


@pytest.fixture
async def node(database: AnyDatabase, redis_url: str) -> AsyncIterator[Node]:
    node = _node(database, redis_url)
    yield node
    await node.link.close()


@pytest.fixture
def plain(database: AnyDatabase) -> SqlRecords:
    return SqlRecords(database, lambda: "n")


async def _forget_rows(database: Database, *ids: str) -> None:
    """Whoever walks over these messages now cannot find them."""
    gone = messages.delete().where(messages.c.id.in_(ids))
    await database.write(lambda c: c.execute(gone).close())


async def test_what_was_read_once_is_not_read_again(database: AnyDatabase, node: Node) -> None:
    leaf = await _grow(database, 3)
    before = await node.path(leaf)
    await _forget_rows(database, *(each.message.id for each in before))

    assert await node.path(leaf) == before


async def test_a_longer_branch_is_read_as_far_as_it_is_new(
    database: AnyDatabase, node: Node, plain: SqlRecords
) -> None:
    first = await _grow(database, 5)
    await node.path(first)
    leaf = await _grow(database, 2, parent=first)
    whole = await plain.path("ann", "s", leaf)
    await _forget_rows(database, *(each.message.id for each in whole[:4]))

    assert await node.path(leaf) == whole
    assert await node.path(leaf) == whole


async def test_what_one_node_read_serves_the_others(
    database: AnyDatabase, node: Node, redis_url: str
) -> None:
    leaf = await _grow(database, 4)
    before = await node.path(leaf)
    await _forget_rows(database, *(each.message.id for each in before))
    other = _node(database, redis_url)

    assert await other.path(leaf) == before
    await other.link.close()


async def test_a_long_branch_gives_its_last_messages_as_without(
    database: AnyDatabase, node: Node, plain: SqlRecords
) -> None:
    leaf = await _grow(database, 390)
    await node.path(leaf)
    for size in (5, 10, 5, 450):
        leaf = await _grow(database, size, parent=leaf)
        assert await node.path(leaf) == await plain.path("ann", "s", leaf)


async def test_another_owner_gets_nothing_of_it(database: AnyDatabase, node: Node) -> None:
    leaf = await _grow(database, 3)
    await node.path(leaf)

    assert await node.path(leaf, owner="bob") == []
    assert await node.histories.get("bob", "s") == []


async def test_an_entry_that_was_put_in_anothers_place_is_not_used(
    database: AnyDatabase, node: Node, redis_server: Redis
) -> None:
    await node.path(await _grow(database, 3))
    (of_ann,) = redis_server.command("KEYS", "talkwire:history:*")
    await _grow(database, 2, owner="bob")
    await node.path(await _grow(database, 2, owner="bob"), owner="bob")
    (of_bob,) = set(redis_server.command("KEYS", "talkwire:history:*")) - {of_ann}
    redis_server.command("COPY", of_ann, of_bob, "REPLACE")

    assert await node.histories.get("bob", "s") == []


@pytest.mark.parametrize("garbage", ["", "x", "\x00\x01", '["json"]', "\u0094" * 100])
async def test_garbage_is_read_around_and_replaced(
    database: AnyDatabase, node: Node, redis_server: Redis, garbage: str
) -> None:
    leaf = await _grow(database, 3)
    before = await node.path(leaf)
    (key,) = redis_server.command("KEYS", "talkwire:history:*")
    redis_server.command("SET", key, garbage)

    assert await node.path(leaf) == before
    assert await node.histories.get("ann", "s") == before


async def test_short_and_huge_histories_are_not_kept(
    database: AnyDatabase, redis_server: Redis, redis_url: str
) -> None:
    node = _node(database, redis_url, min_messages=4, max_bytes=2000)
    await node.path(await _grow(database, 3))
    await node.path(await _grow(database, 100))
    assert redis_server.command("KEYS", "*") == []

    await node.path(await _grow(database, 4))

    assert len(redis_server.command("KEYS", "*")) == 1
    await node.link.close()


async def test_what_is_kept_goes_by_itself_and_when_it_is_to_be_forgotten(
    database: AnyDatabase, node: Node, redis_server: Redis
) -> None:
    await node.path(await _grow(database, 3))
    (key,) = redis_server.command("KEYS", "*")
    assert 0 < redis_server.command("TTL", key) <= 3600

    await node.histories.forget("ann", "s")

    assert redis_server.command("KEYS", "*") == []


async def test_the_current_leaf_is_the_databases_to_say(
    database: AnyDatabase, node: Node, plain: SqlRecords
) -> None:
    await node.path(await _grow(database, 3))

    assert await node.path(None) == await plain.path("ann", "s", None) == []
    assert await node.path("") == []
    assert await node.path("unknown") == []


async def test_without_redis_histories_are_read_as_ever(
    database: AnyDatabase, own_redis: Redis
) -> None:
    async with Link(own_redis.port) as wire:
        node = _node(database, f"redis://127.0.0.1:{wire.port}/0", timeout_s=1)
        leaf = await _grow(database, 3)
        before = await node.path(leaf)
        wire.hole()

        began = time.monotonic()
        for _ in range(5):
            leaf = await _grow(database, 1, parent=leaf)
            before = [*before, (await node.path(leaf))[-1]]
            assert await node.path(leaf) == before
        await node.histories.forget("ann", "s")

        assert time.monotonic() - began < 5  # eleven reads, and one that has waited
        await node.link.close()


class _Histories(RuleBasedStateMachine):
    """Two nodes, two owners with two sessions each, any tree in them, and a Redis that forgets."""

    runner: asyncio.Runner
    database: AnyDatabase
    nodes: tuple[Node, Node]
    server: Redis
    seen = count(1)

    def __init__(self) -> None:
        super().__init__()
        mark = next(self.seen)
        self.places = [(f"{who}{mark}", f"{what}{mark}") for who in "ab" for what in "st"]
        self.ids: list[tuple[str, int]] = []  # of every message, and its place
        self.plain = SqlRecords(self.database, lambda: "n")

    @rule(place=st.integers(0, 3), at=st.integers(0, 1000), size=st.sampled_from([1, 2, 3, 150]))
    def grow(self, place: int, at: int, size: int) -> None:
        """A chain under any message of the place, or as a new root."""
        owner, session = self.places[place]
        here = [None, *(each for each, its in self.ids if its == place)]
        leaf = self.runner.run(
            _grow(
                self.database, size, parent=here[-1 - at % len(here)], owner=owner, session=session
            )
        )
        made = int(leaf.removeprefix("m_"))
        self.ids += [(f"m_{n}", place) for n in range(made - size + 1, made + 1)]

    @rule(node=st.integers(0, 1), place=st.integers(0, 3), at=st.integers(0, 1000))
    def read(self, node: int, place: int, at: int) -> None:
        """The path of any message there is, asked for in any place: often its own."""
        leaf, its = self.ids[-1 - at % len(self.ids)] if self.ids else ("unknown", 0)
        owner, session = self.places[its if at % 5 else place]
        records = self.nodes[node].records

        cached = self.runner.run(records.path(owner, session, leaf))

        assert cached == self.runner.run(self.plain.path(owner, session, leaf))

    @rule(node=st.integers(0, 1))
    def settle(self, node: int) -> None:
        """What is on its way to Redis arrives."""
        self.runner.run(self.nodes[node].link.settle())

    @rule()
    def wipe(self) -> None:
        self.server.flush()

    @rule(node=st.integers(0, 1), place=st.integers(0, 3))
    def forget(self, node: int, place: int) -> None:
        self.runner.run(self.nodes[node].histories.forget(*self.places[place]))


def test_answers_are_always_those_of_the_uncached_records(
    make: Another, redis_server: Redis, redis_url: str
) -> None:
    database = make()
    with asyncio.Runner() as runner:
        runner.run(database.open())
        nodes = runner.run(_two(database, redis_url))
        members = {"runner": runner, "database": database, "nodes": nodes, "server": redis_server}
        machine = type("Machine", (_Histories,), members)

        run_state_machine_as_test(
            machine, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
        )

        for node in nodes:
            runner.run(node.link.close())
        runner.run(database.close())


async def _two(database: Database, url: str) -> tuple[Node, Node]:
    return _node(database, url), _node(database, url)
