"""The schema in the code and the schema that migrations make are one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select

from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.sessions import Session
from talkwire.canon.usage import UsageAsked
from talkwire.stores import migrating, sqlite
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.schema import api_keys, metadata
from talkwire.stores.session_rows import find
from talkwire.stores.upgrading import upgrade_postgres
from talkwire.stores.usage import _report


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "talkwire.db"
    engine = sqlite.engine(path)
    sqlite.connect(engine, migrate=True).close()
    return path


def test_the_newest_revision_is_the_one_that_is_run() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating.FOLDER))

    assert ScriptDirectory.from_config(config).get_current_head() == migrating.HEAD


def test_migrations_make_the_schema(path: Path) -> None:
    with sqlite.engine(path).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        made = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'")
        indexes = {name for (name,) in made if not name.startswith("sqlite_")}

    assert differences == []
    assert indexes == {i.name for t in metadata.tables.values() for i in t.indexes}


def test_a_database_that_is_up_to_date_loads_no_alembic(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from talkwire.stores import sqlite\n"
        "sqlite.connect(sqlite.engine(Path(sys.argv[1])), migrate=True).close()\n"
        "assert 'alembic' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program, str(path)], check=True)


def test_a_newer_database_is_told(path: Path) -> None:
    engine = sqlite.engine(path)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StorageUnavailable, match="newer version"):
        sqlite.connect(engine, migrate=True)


def test_migrations_make_the_schema_of_postgresql_too(postgres_migrated: str) -> None:
    engine = create_engine(postgres_migrated)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    # Its events have a time that the server fills, and an index instead of a key; see `partitions`.
    told = {(d[0], getattr(d[-1], "name", "")) for d in found if isinstance(d, tuple)}
    partitions = {(kind, name) for kind, name in told if str(name).startswith("turn_events_1")}
    assert {name for _, name in told - partitions} == {"at", "ix_turn_events_turn"}
    assert len(found) == len(told)


async def test_an_empty_database_is_made_by_whichever_node_comes_first(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    nodes = [PostgresDatabase(postgres_url) for _ in range(3)]
    await asyncio.gather(*[node.open() for node in nodes])
    for node in nodes:
        assert await node.read(migrating.current) == migrating.HEAD
        await node.close()

    assert "database.created" in caplog.text


async def test_an_old_schema_is_refused_and_the_command_named(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url)
    with psycopg.connect(postgres_url) as link:
        link.execute("CREATE TABLE alembic_version (version_num TEXT)")
        link.execute("INSERT INTO alembic_version VALUES ('0001')")

    with pytest.raises(StorageUnavailable, match=r"revision 0001.*`talkwire db upgrade`"):
        await database.open()
    await database.close()


async def test_somebody_elses_tables_are_not_joined_unasked(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url)
    with psycopg.connect(postgres_url) as link:
        link.execute("CREATE TABLE theirs (id INT)")

    with pytest.raises(StorageUnavailable, match=r"no schema.*`talkwire db upgrade`"):
        await database.open()
    assert await asyncio.to_thread(upgrade_postgres, postgres_url) == (None, migrating.HEAD)
    await database.open()
    await database.close()


async def test_racing_upgrades_take_turns(postgres_url: str) -> None:
    race = [asyncio.to_thread(upgrade_postgres, postgres_url) for _ in range(3)]
    results = await asyncio.gather(*race)

    head = migrating.HEAD
    assert sorted(results, key=str) == [(head, head), (head, head), (None, head)]


async def test_a_newer_database_is_told_on_postgresql_too(postgres_migrated: str) -> None:
    with psycopg.connect(postgres_migrated) as link:
        link.execute("UPDATE alembic_version SET version_num = '9999'")
    database = PostgresDatabase(postgres_migrated)

    with pytest.raises(StorageUnavailable, match="newer version"):
        await database.open()
    with pytest.raises(StorageUnavailable, match="newer version"):
        await asyncio.to_thread(upgrade_postgres, postgres_migrated)
    await database.close()


def test_the_newest_revision_can_be_undone_and_done_again(
    path: Path, postgres_migrated: str
) -> None:
    for url in (f"sqlite:///{path}", postgres_migrated.replace("://", "+psycopg://")):
        engine = create_engine(url)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(migrating.FOLDER))
            config.attributes["connection"] = connection
            command.downgrade(config, "0001")
            assert migrating.current(connection) == "0001"
            command.upgrade(config, "head")
            assert migrating.current(connection) == migrating.HEAD
        engine.dispose()


def test_rows_of_the_ledger_without_a_key_stay_what_they_are(
    path: Path, postgres_migrated: str
) -> None:
    for url in (f"sqlite:///{path}", postgres_migrated.replace("://", "+psycopg://")):
        engine = create_engine(url)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(migrating.FOLDER))
            config.attributes["connection"] = connection
            command.downgrade(config, "0004")
            connection.exec_driver_sql(
                "INSERT INTO usage (turn_id, owner, session_id, model, wire, status, input_tokens,"
                " output_tokens, estimated, cost, at) VALUES ('t', 'ann', 's', 'm', 'native',"
                " 'completed', 7, 5, FALSE, 0.5, 1)"
            )
            connection.exec_driver_sql(
                'INSERT INTO api_keys (id, owner, name, "user", secret_hash, admin, scopes,'
                " created_at) VALUES ('k', 'ann', '', 'ann', 'x', FALSE, '[\"chat\"]', 1)"
            )
            command.upgrade(config, "head")
            page = _report(connection, UsageAsked(0, 10, ("model", "key"), user="ann"))
            (key,) = connection.execute(select(api_keys.c.budget)).scalars()
        engine.dispose()

        (row,) = page.rows
        assert (row.group, row.total_tokens, row.cost, key) == (("m", ""), 12, 0.5, None)


def test_sessions_of_before_are_in_nobodys_archive(path: Path, postgres_migrated: str) -> None:
    for url in (f"sqlite:///{path}", postgres_migrated.replace("://", "+psycopg://")):
        engine = create_engine(url)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(migrating.FOLDER))
            config.attributes["connection"] = connection
            command.downgrade(config, "0005")
            connection.exec_driver_sql(
                "INSERT INTO sessions (owner, id, created_at, updated_at, ttl_ms, expires_at)"
                " VALUES ('ann', 's', 1, 1, 1, 9)"
            )
            command.upgrade(config, "head")
            session = find(connection, "ann", "s", 1)
        engine.dispose()

        assert session == Session("s", "ann", 1, 1, 9)
