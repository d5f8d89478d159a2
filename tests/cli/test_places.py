"""Places are told, secrets are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.cli.places import redis, stored
from talkwire.settings import DatabaseSettings, RedisSettings, Settings

CANARY = "canary0123"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"postgresql://me:{CANARY}@db.example:5433/chat", "PostgreSQL db.example:5433/chat"),
        (f"postgres://me:{CANARY}@[::1]/chat?sslmode=require", "PostgreSQL [::1]/chat"),
        (f"postgresql://db/chat?user=me&password={CANARY}", "PostgreSQL db/chat"),
        ("postgresql:///chat?host=/run/postgresql", "PostgreSQL /run/postgresql/chat"),
        (f"postgresql://me:12/{CANARY}@db/chat", "PostgreSQL"),
        (f"postgresql://me:12#{CANARY}@db/chat", "PostgreSQL"),
        (f"postgresql://me:12?{CANARY}@db/chat", "PostgreSQL"),
        (f"postgresql://me:a@b{CANARY}@db/chat", "PostgreSQL db/chat"),
        ("postgresql://db/a%1b%5b2Jb", "PostgreSQL db/a[2Jb"),
    ],
)
def test_a_server_is_its_host_and_database(url: str, told: str) -> None:
    settings = Settings(database=DatabaseSettings(url=SecretStr(url)))

    assert stored(settings) == told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"redis://:{CANARY}@cache.example:6379/2", "Redis cache.example:6379/2"),
        (f"rediss://me:{CANARY}@cache.example", "Redis cache.example"),
        (f"unix:///run/redis.sock?password={CANARY}", "Redis /run/redis.sock"),
        (f"redis://cache/0?password={CANARY}", "Redis cache/0"),
    ],
)
def test_redis_is_its_host(url: str, told: str) -> None:
    assert redis(Settings(redis=RedisSettings(url=SecretStr(url)))) == told


def test_a_box_of_its_own_is_its_folder_or_its_file(tmp_path: Path) -> None:
    file = DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path}/x.db"))

    assert stored(Settings(data_dir=tmp_path)) == str(tmp_path)
    assert stored(Settings(database=file)) == str(tmp_path / "x.db")
    assert redis(Settings()) is None
