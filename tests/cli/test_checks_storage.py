"""The doctor's word on storage, on who else is there, and on who may ask."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.access import keys
from talkwire.canon.keys import NewKey
from talkwire.cli import checks_storage as checks
from talkwire.settings import (
    AuthSettings,
    DatabaseSettings,
    JwtSettings,
    RedisSettings,
    Settings,
)
from talkwire.storage import database_of
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.postgres_nodes import PostgresNodes
from tests.services.redis import Redis

EVERYBODY = "0.0.0.0"  # noqa: S104 - what is tested
CANARY = "canary0123"


def _on(url: str, **more: Any) -> Settings:
    return Settings(database=DatabaseSettings(url=SecretStr(url)), **more)


def _make(settings: Settings, new: NewKey) -> str:
    async def made() -> str:
        async with keys(settings) as opened:
            key, _ = await opened.create(new)
            return key.id

    return asyncio.run(made())


def _revoke(settings: Settings, key_id: str) -> None:
    async def revoked() -> None:
        async with keys(settings) as opened:
            await opened.revoke(key_id)

    asyncio.run(revoked())


def test_this_machine_alone_needs_no_key(tmp_path: Path) -> None:
    found = checks.access(Settings(data_dir=tmp_path), current=False)

    assert (found.part, found.outcome) == ("access", "ok")
    assert "auth.mode auto" in found.found


@pytest.mark.parametrize("how", [{"open": True}, {"auth": AuthSettings(mode="open")}])
def test_a_server_that_is_open_to_everyone_is_told(how: dict[str, Any], tmp_path: Path) -> None:
    found = checks.access(Settings(data_dir=tmp_path, host=EVERYBODY, **how), current=False)

    assert found.outcome == "note"
    assert EVERYBODY in found.found


def test_keys_are_counted_and_none_that_opens_is_told_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, host=EVERYBODY)
    none = checks.access(settings, current=False)
    assert none.outcome == "note"
    assert f"bound to {EVERYBODY}" in none.found
    assert "first start makes and prints one" in none.found
    assert not (tmp_path / "talkwire.sqlite3").exists()

    key_id = _make(settings, NewKey("a"))
    _make(settings, NewKey("b", expires_at=int(time.time() * 1000) - 1))
    one = checks.access(settings, current=True)
    assert (one.outcome, "1 of 2 keys open" in one.found) == ("ok", True)

    _revoke(settings, key_id)
    gone = checks.access(settings, current=True)
    assert gone.outcome == "broken"
    assert "talkwire keys create" in gone.found


def test_tokens_of_another_issuer_are_told(tmp_path: Path) -> None:
    jwt = JwtSettings(secret=SecretStr(CANARY * 4), issuer="https://id.example", audience="chat")
    auth = AuthSettings(mode="keys", jwt=jwt)

    found = checks.access(Settings(data_dir=tmp_path, auth=auth), current=False)

    assert found.outcome == "ok"
    assert "tokens of https://id.example" in found.found
    assert CANARY not in found.found


def test_a_box_of_its_own_has_its_folder_and_no_nodes(tmp_path: Path) -> None:
    found = checks.storage(Settings(data_dir=tmp_path))

    assert [check.part for check in found] == ["data folder", "database", "access"]


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    found = list(checks.storage(_on(f"postgresql://me:{CANARY}@127.0.0.1:1/chat")))

    assert [check.part for check in found] == ["database", "Redis", "access"]
    assert found[0].outcome == "broken"
    assert "PostgreSQL 127.0.0.1:1/chat" in found[0].found
    assert "DATABASE_URL" in found[0].found
    elsewhere = _on("postgresql://127.0.0.1:1/chat", host=EVERYBODY)
    assert "cannot be told" in list(checks.storage(elsewhere))[-1].found
    assert CANARY not in json.dumps(found)


def test_an_empty_database_stays_empty_and_is_told(postgres_url: str) -> None:
    found = list(checks.storage(_on(postgres_url)))

    assert found[0].outcome == "note"
    assert "talkwire db upgrade" in found[0].found
    assert checks.postgres(_on(postgres_url)).outcome == "note"


@pytest.mark.parametrize(("revision", "hint"), [("0001", "talkwire db upgrade"), ("9999", "newer")])
def test_another_revision_is_told_with_what_to_do(
    revision: str, hint: str, postgres_migrated: str
) -> None:
    import psycopg

    with psycopg.connect(postgres_migrated, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))

    found = checks.postgres(_on(postgres_migrated))

    assert found.outcome == "broken"
    assert hint in found.found


def test_nodes_that_beat_and_those_that_should_are_told(postgres_migrated: str) -> None:
    settings = _on(postgres_migrated)
    (none,) = checks.nodes(settings)
    assert (none.outcome, "talkwire serve" in none.found) == ("note", True)
    node = asyncio.run(_join(settings))

    (beats,) = checks.nodes(settings)
    assert (beats.part, beats.outcome) == (f"node {node}", "ok")
    assert "beat 0." in beats.found or "beat 1." in beats.found
    impatient = {"beat_s": 0.0001, "dead_after_s": 0.001}
    (silent,) = checks.nodes(_on(postgres_migrated, node=impatient))
    assert silent.outcome == "note"
    assert "takes its turns over" in silent.found


async def _join(settings: Settings) -> str:
    database = database_of(settings)
    assert isinstance(database, PostgresDatabase)
    await database.open()
    try:
        nodes = PostgresNodes(database)
        await nodes.join()
        return nodes.node
    finally:
        await database.close()


def test_a_redis_is_well_or_away_and_its_password_is_not_told(own_redis: Redis) -> None:
    def found(url: str) -> tuple[str, str, str]:
        (check,) = checks.redis(Settings(redis=RedisSettings(url=SecretStr(url), timeout_s=5)))
        return check

    part, outcome, told = found(own_redis.url)
    assert (part, outcome) == ("Redis", "ok")
    assert "takes writes" in told
    assert str(own_redis.port) in told

    refused = found(own_redis.url.replace("://", f"://:{CANARY}@"))
    assert refused[1] == "broken"
    assert CANARY not in refused[2]
    own_redis.command("config", "set", "maxmemory", "1")
    assert "out of memory" in found(own_redis.url)[2]
    own_redis.stop()
    away = found(own_redis.url)
    assert (away[1], "cannot be reached" in away[2]) == ("broken", True)


def test_without_redis_many_nodes_are_told_what_they_miss(tmp_path: Path) -> None:
    (found,) = checks.redis(_on("postgresql://h/d"))

    assert found.outcome == "note"
    assert "REDIS_URL" in found.found
    assert list(checks.redis(Settings(data_dir=tmp_path))) == []
