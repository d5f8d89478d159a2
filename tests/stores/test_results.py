"""Long results: each its owner's, whatever is in them. On both databases."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from talkwire.canon.errors import NotFound
from talkwire.canon.records import ToolResult
from talkwire.canon.tools import RESULT_CHARS
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.database import Database
from talkwire.stores.results import SqlResults

NOW = 1_800_000_000_000
RESULT = ToolResult("c1", "s_1", "t_1", "find", "a\0b\r\n👩‍🚀 漢字", True, NOW)


@pytest.fixture
def results(either: Database) -> SqlResults:
    return SqlResults(either)


async def test_a_result_is_kept_as_it_is_and_for_its_owner_alone(results: SqlResults) -> None:
    await results.keep("ann", RESULT)

    assert await results.result("ann", "c1") == RESULT
    for owner, call_id in (("bob", "c1"), ("ann", "c2"), ("", "c1"), ("ann", "c1\0")):
        with pytest.raises(NotFound):
            await results.result(owner, call_id)


async def test_equal_ids_of_two_owners_are_two_results(results: SqlResults) -> None:
    await results.keep("ann", RESULT)
    await results.keep("bob", structs.replace(RESULT, text="another"))

    assert (await results.result("ann", "c1")).text == RESULT.text
    assert (await results.result("bob", "c1")).text == "another"


async def test_a_later_result_of_the_same_id_replaces_it(results: SqlResults) -> None:
    later = structs.replace(RESULT, turn_id="t_2", text="later", truncated=False, at=NOW + 1)
    await results.keep("ann", RESULT)
    await results.keep("ann", later)

    assert await results.result("ann", "c1") == later


async def test_the_longest_is_kept_and_many_at_once_are(results: SqlResults) -> None:
    longest = structs.replace(RESULT, text="漢" * RESULT_CHARS)
    many = [structs.replace(RESULT, call_id=f"m{n}", text=f"text {n}") for n in range(8)]

    await asyncio.gather(*(results.keep("ann", each) for each in (longest, *many)))

    assert (await results.result("ann", "c1")).text == longest.text
    assert [await results.result("ann", each.call_id) for each in many] == many


async def test_they_go_with_age_as_events_do(results: SqlResults, either: Database) -> None:
    for n in range(5):
        await results.keep("ann", structs.replace(RESULT, call_id=f"old{n}"))
    await results.keep("ann", structs.replace(RESULT, call_id="new", at=NOW + 1))

    cleaning = Cleaning(either, retention_s=60, clock=lambda: NOW + 60_001, slice_rows=40)
    swept = await cleaning.sweep()

    assert swept.results == 5
    assert (await results.result("ann", "new")).call_id == "new"
    with pytest.raises(NotFound):
        await results.result("ann", "old4")
