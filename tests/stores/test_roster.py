"""Nodes and what they run, on both databases."""

from __future__ import annotations

from talkwire.stores.database import Database
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.roster import Roster
from talkwire.stores.turns import SqlRecords
from tests.contracts.turn_values import new_turn

Nodes = SqlNodes | PostgresNodes


async def test_a_node_is_listed_with_the_turns_it_runs(
    database: Database, nodes: Nodes, records: SqlRecords
) -> None:
    started = await records.start(new_turn())

    (node,) = await Roster(database).nodes()

    assert (node.id, node.epoch) == (nodes.node, nodes.epoch)
    assert node.host
    assert node.pid > 0
    assert node.silent_ms < 60_000
    assert [(turn.turn_id, turn.status) for turn in node.turns] == [
        (started.record.turn_id, "running")
    ]


async def test_a_node_that_left_is_listed_no_more(database: Database, nodes: Nodes) -> None:
    await nodes.leave()

    assert await Roster(database).nodes() == []
