"""Real PostgreSQL and Redis for the tests of all folders; without one, those tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services import shared
from tests.services.binaries import Missing
from tests.services.cluster import Cluster
from tests.services.postgres import Postgres, address
from tests.services.redis import Redis


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server that all tests of a run share: for databases, not for killing."""
    with ExitStack() as held:
        try:
            server = Postgres.given() or _of_the_run(tmp_path_factory, held)
        except Missing as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database of the test's own: empty, and dropped with the test."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A server of the test's own, to be killed and restarted."""
    with ExitStack() as held:
        try:
            server = held.enter_context(Postgres.started(tmp_path / "postgres"))
        except Missing as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A running server of this test process's own: what is published in it stays in it."""
    with ExitStack() as held:
        try:
            folder = tmp_path_factory.mktemp("redis")
            server = Redis.given() or held.enter_context(Redis.started(folder))
        except Missing as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """The URL of an empty database."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A server of the test's own, to be killed, wiped and filled."""
    with ExitStack() as held:
        try:
            server = held.enter_context(Redis.started(tmp_path / "redis"))
        except Missing as missing:
            pytest.skip(str(missing))
        yield server


def _of_the_run(factory: pytest.TempPathFactory, held: ExitStack) -> Postgres:
    """Of several test processes the first to come starts it; it ends when the run does."""
    if not shared.is_parallel():
        own = held.enter_context(Postgres.started(factory.mktemp("postgres")))
        return Postgres.at(own.url())
    folder = shared.run_folder(factory.getbasetemp())

    def start() -> str:
        cluster = Cluster(folder / "postgres", watched=shared.runner())
        cluster.start()
        cluster.leave()
        return address(cluster.port)

    return Postgres.at(shared.once(folder, "postgres", start))
