"""The desk as settings ask for it, and what the health routes tell of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr

from talkwire.desk import begin, degraded, desk, embeddings, health
from talkwire.settings import ScenarioSettings, Settings
from tests.desk import Desk
from tests.e2e.waiting import until


def test_nobody_pays_for_a_desk_that_nobody_can_ask() -> None:
    assert desk(Settings(wires=("native", "responses-sse")), None) is None
    assert health(None) == degraded(None) == {}


def test_what_is_loaded_is_told() -> None:
    assert health(Desk()) == {"scenarios_loaded": True, "total_scenarios": 2}
    assert degraded(Desk()) == {}


def test_what_could_not_be_loaded_is_told_with_its_reason() -> None:
    broken = Desk("catalogue.json:7: no subcategory")

    assert health(broken) == {"scenarios_loaded": False, "total_scenarios": 0}
    assert degraded(broken) == {"scenarios": "catalogue.json:7: no subcategory"}


def test_vectors_are_made_where_a_model_is_named_for_it() -> None:
    named = ScenarioSettings(embedding_model="vectors-3")

    assert embeddings(Settings()) is None
    assert embeddings(Settings(scenarios=named, wires=("native",))) is None
    assert embeddings(Settings(scenarios=named, openai_api_key=SecretStr("k"))) is not None


async def test_a_desk_is_open_before_anybody_asks_and_watched_until_the_end() -> None:
    told: list[str] = []

    class Told(Desk):
        async def open(self) -> None:
            await asyncio.sleep(0)
            told.append("open")

        async def watch(self, every_s: float) -> None:
            told.append(f"watched every {every_s} s")
            try:
                await asyncio.Event().wait()
            finally:
                told.append("left")

    async with AsyncExitStack() as stack:
        await begin(Told(), stack, reload_s=7)
        assert told[0] == "open"
        await until(lambda: len(told) == 2)

    assert told == ["open", "watched every 7 s", "left"]


async def test_a_desk_that_does_not_get_open_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("talkwire.desk.OPEN_WITHIN_S", 0.01)

    class Stuck(Desk):
        async def open(self) -> None:
            await asyncio.Event().wait()

    async with AsyncExitStack() as stack:
        await begin(Stuck(), stack, reload_s=7)
