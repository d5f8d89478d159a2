"""What the tables owe to the rest: who may ask, and what a commit costs."""

from __future__ import annotations

from talkwire.stores.schema import metadata, turn_events

_OWNERLESS = {
    "principals": "is the owner",
    "nodes": "processes",
    "tickets": "hold a whole principal, and are asked by their hash",
    "prompts": "shared by all",
    "turn_events": "asked by turn, whose owner was checked",
    "turn_logs": "asked by turn, whose owner was checked",
}


def test_every_other_table_names_its_owner() -> None:
    assert {n for n, t in metadata.tables.items() if "owner" not in t.c} == set(_OWNERLESS)


def test_events_have_no_index_that_a_commit_would_have_to_keep() -> None:
    assert turn_events.indexes == set()
