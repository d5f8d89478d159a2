"""What settings make of storage."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from talkwire.journals.wake import NoSignals, RedisSignals
from talkwire.settings import DatabaseSettings, RedisSettings, Settings
from talkwire.storage import database_of, nodes, redis_fault, storage
from talkwire.stores.cache import CachedRecords
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords
from tests.services.redis import Redis

NOWHERE = "redis://127.0.0.1:1/0"


def test_a_box_of_its_own_stores_in_a_file_and_is_alone(tmp_path: Path) -> None:
    made = storage(Settings(data_dir=tmp_path))

    assert isinstance(made.database, SqliteDatabase)
    assert made.database.path == tmp_path / "talkwire.sqlite3"
    assert isinstance(made.nodes, SqlNodes)
    assert type(made.records) is SqlRecords
    assert isinstance(made.signals, NoSignals)
    assert (made.link, made.degraded()) == (None, {})


def test_an_address_of_postgresql_makes_one_node_of_many(tmp_path: Path) -> None:
    asked = DatabaseSettings(url=SecretStr("postgresql://u:secretpw@127.0.0.1:1/d"))

    made = storage(Settings(data_dir=tmp_path, database=asked))

    assert isinstance(made.database, PostgresDatabase)
    assert isinstance(made.nodes, PostgresNodes)
    assert "secretpw" not in repr(made)


def test_the_database_of_a_command_is_the_server_s(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    assert type(database_of(settings)) is type(storage(settings).database)


async def test_a_redis_that_is_away_degrades_and_hinders_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis=RedisSettings(url=SecretStr(NOWHERE)))
    made = storage(settings)

    async with AsyncExitStack() as stack:
        await made.open(stack)

        assert isinstance(made.records, CachedRecords)
        assert made.degraded().keys() == {"redis"}
        assert "127.0.0.1" not in made.degraded()["redis"]


async def test_a_redis_that_is_there_carries_word(tmp_path: Path, redis_server: Redis) -> None:
    url = SecretStr(redis_server.url)
    settings = Settings(data_dir=tmp_path, redis=RedisSettings(url=url))
    made, other = storage(settings), storage(settings)
    heard: list[str] = []
    signals = made.signals
    assert isinstance(signals, RedisSignals)
    signals.hear("stored", heard.extend)

    async with AsyncExitStack() as stack:
        await signals.open()
        stack.push_async_callback(signals.close)
        await other.signals.open()
        stack.push_async_callback(other.signals.close)
        async with asyncio.timeout(10):
            while "t_1" not in heard:  # word may get lost until both listen
                other.signals.send("stored", ["t_1"])
                await asyncio.sleep(0.01)


async def test_nodes_and_redis_are_looked_at_from_outside(
    tmp_path: Path, redis_server: Redis
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        redis=RedisSettings(url=SecretStr(redis_server.url), timeout_s=5),
    )
    made = storage(settings)
    async with AsyncExitStack() as stack:
        await made.open(stack)

        (seen,) = await nodes(settings)
        assert seen.id == made.nodes.node
        assert await redis_fault(settings) is None

    nowhere = RedisSettings(url=SecretStr(NOWHERE), timeout_s=5)
    assert await redis_fault(Settings(redis=nowhere)) == "cannot be reached"
    assert await redis_fault(Settings()) is None
