"""Servers under test on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.provider import Provider
from tests.e2e.servers import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for all tests of a worker: the scripted model, nothing else needed."""
    running = Server(tmp_path_factory.mktemp("server"), env={"USE_MOCK": "1"})
    running.start_blocking()
    yield running
    running.stop()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers of a test's own, not started yet; see `Server` for what can be given."""
    made: list[Server] = []

    def make(folder: str = "server", **settings: Any) -> Server:
        made.append(Server(tmp_path / folder, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """The model provider behind a `fresh_server`; see its `model`."""
    async with Provider() as running:
        yield running
