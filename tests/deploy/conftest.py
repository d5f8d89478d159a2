"""Servers behind the shipped configuration of nginx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.nginx import Nginx, find
from tests.e2e.provider import Provider
from tests.e2e.servers import Server

Behind = Callable[[Sequence[int]], Nginx]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    """Starts an nginx in front of two ports."""
    if find() is None:
        pytest.skip("nginx is not installed")
    with ExitStack() as held:
        yield lambda nodes: held.enter_context(Nginx.running(tmp_path / "nginx", nodes))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """The model provider behind the nodes; see its `model`."""
    async with Provider() as running:
        yield running


@pytest.fixture
def node(provider: Provider, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers of a test's own that ask the provider, not started yet."""
    made: list[Server] = []

    def make(**config: Any) -> Server:
        folder = tmp_path / f"node-{len(made) + 1}"
        made.append(Server(folder, config={"models": [provider.model()], **config}))
        return made[-1]

    yield make
    for one in made:
        one.stop()
