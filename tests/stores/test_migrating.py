"""The schema in the code and the schema that migrations make are one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from talkwire.canon.errors import StorageUnavailable
from talkwire.stores import migrating, sqlite
from talkwire.stores.schema import metadata


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
