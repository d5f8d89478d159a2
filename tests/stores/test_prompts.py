"""Versions of templates: numbered, never changed, deleted together."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.errors import Unprocessable
from talkwire.canon.records import PromptVersion
from talkwire.stores.database import Database
from talkwire.stores.prompts import SqlPrompts


async def test_versions_count_from_1_and_the_newest_comes_first(database: Database) -> None:
    prompts = SqlPrompts(database)
    first = await prompts.put(
        PromptVersion("tone", 9, "Be {mood}", variables=("mood",), temperature=0.2)
    )
    second = await prompts.put(PromptVersion("tone", 0, "Be brief", model="small"))

    assert (first.version, second.version) == (1, 2)
    assert first.created_at > 0
    assert await prompts.latest("tone") == second
    assert await prompts.versions("tone") == [second, first]
    assert await prompts.get("tone", 1) == first
    assert await prompts.get("tone", 3) is None
    assert await prompts.names() == ["tone"]


async def test_racing_versions_get_numbers_of_their_own(database: Database) -> None:
    prompts = SqlPrompts(database)
    race = [prompts.put(PromptVersion("tone", 0, str(i))) for i in range(20)]

    assert sorted(v.version for v in await asyncio.gather(*race)) == list(range(1, 21))


async def test_all_versions_are_deleted_at_once(database: Database) -> None:
    prompts = SqlPrompts(database)
    for text in "ab":
        await prompts.put(PromptVersion("tone", 0, text))

    assert await prompts.delete("tone") == 2
    assert await prompts.delete("tone") == 0
    assert await prompts.latest("tone") is None
    assert await prompts.versions("tone") == []


@pytest.mark.parametrize("draft", [PromptVersion("t", 0, "a\0"), PromptVersion("t", 0, "a", "\0")])
async def test_a_nul_is_refused_on_every_database(database: Database, draft: PromptVersion) -> None:
    with pytest.raises(Unprocessable, match="NUL"):
        await SqlPrompts(database).put(draft)
