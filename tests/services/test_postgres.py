from __future__ import annotations

from pathlib import Path

import psutil
import psycopg
import pytest

from tests.services.binaries import find
from tests.services.postgres import NotOurs, Postgres


def _count(url: str) -> int:
    with psycopg.connect(url) as link:
        row = link.execute("SELECT count(*) FROM kept").fetchone()
        assert row is not None
        return int(row[0])


def _keep(url: str, rows: int) -> None:
    with psycopg.connect(url) as link:
        link.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        link.execute("INSERT INTO kept SELECT generate_series(1, %s)", [rows])


def test_what_was_committed_survives_each_kind_of_end(own_postgres: Postgres) -> None:
    url = own_postgres.create("talk")
    port, first = own_postgres.port, own_postgres.pid

    _keep(url, 10)
    own_postgres.restart_immediate()
    assert _count(url) == 10
    _keep(url, 10)
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        _count(url)
    own_postgres.start_again()
    assert _count(url) == 20
    own_postgres.stop()
    own_postgres.start_again()
    assert _count(url) == 20

    assert own_postgres.port == port
    assert own_postgres.pid != first


def test_a_restart_cuts_the_connections_there_are(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url()) as link:
        own_postgres.restart_immediate()

        with pytest.raises(psycopg.OperationalError):
            link.execute("SELECT 1")


def test_its_end_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    with Postgres.started(tmp_path / "postgres") as server:
        processes = [psutil.Process(server.pid)]
        processes += processes[0].children(recursive=True)
        ((folder,),) = server.execute("SHOW data_directory")
    _, alive = psutil.wait_procs(processes, timeout=10)

    assert alive == []
    assert not Path(folder).exists()


def test_a_database_can_be_a_copy_of_another(postgres: Postgres) -> None:
    with postgres.fresh() as model:
        _keep(model, 3)
        with postgres.fresh(template=model.rpartition("/")[2]) as copied:
            _keep(copied, 2)

            assert (_count(model), _count(copied)) == (3, 5)


def test_a_fresh_database_goes_also_while_it_is_in_use(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        held = psycopg.connect(url)

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    held.close()


def test_two_tests_never_meet_in_a_database(postgres: Postgres) -> None:
    with postgres.fresh() as one, postgres.fresh() as other:
        _keep(one, 1)
        with pytest.raises(psycopg.errors.UndefinedTable):
            _count(other)


def test_the_server_that_all_share_is_not_to_be_killed(postgres: Postgres) -> None:
    with pytest.raises(NotOurs, match="own_postgres"):
        postgres.kill()


def test_a_link_can_stand_between(postgres: Postgres) -> None:
    assert postgres.url("talk", port=4711).endswith("@127.0.0.1:4711/talk")


@pytest.mark.parametrize("fast", [True, False])
def test_fsync_is_left_out_only_where_speed_was_asked_for(tmp_path: Path, fast: bool) -> None:
    find(tmp_path)
    with Postgres.started(tmp_path / "postgres", fast=fast) as server:
        assert server.execute("SHOW fsync") == [("off" if fast else "on",)]
