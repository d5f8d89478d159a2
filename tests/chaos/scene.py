"""All parts of a storm: model provider, PostgreSQL, Redis, nodes, and links between them."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import stored
from tests.chaos.fleet import Fleet
from tests.e2e.provider import Provider
from tests.services.link import Link
from tests.services.postgres import Postgres
from tests.services.redis import Redis

DATABASE = "talkwire_chaos"
_ERROR = re.compile(r"(?:\\n|\n)((?:\w+\.)*\w+(?:Error|Exception|Unavailable|Fenced))\b")
UNFINISHED = "SELECT count(*) FROM turns WHERE status NOT IN ('completed', 'failed', 'aborted')"


@dataclass(frozen=True)
class Setup:
    """How the nodes are set up. `linked` puts a link between each two parts."""

    nodes: int = 4
    workers: int = 1
    beat_s: float = 0.5
    dead_after_s: float = 3.0
    drain_timeout_s: float = 1.0
    on_lost: str = "auto"
    fence: bool = True
    write_ahead: bool = True
    linked: bool = False
    prelude: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)


def calm(nodes: int, workers: int = 1) -> Setup:
    """Where no node is to die: as is the default, so that a busy machine is not taken for death."""
    return Setup(nodes=nodes, workers=workers, beat_s=2.0, dead_after_s=10.0)


@dataclass
class Scene:
    """What runs. Model `words` is closed when its node is lost, `more` goes on elsewhere."""

    setup: Setup
    provider: Provider
    postgres: Postgres
    redis: Redis
    fleet: Fleet
    url: str
    links: Mapping[str, list[Link]]

    @property
    def rows(self) -> stored.Rows:
        return stored.at(self.url)

    async def quiet(self, within_s: float = 40.0) -> int:
        """Wait until no turn runs; how many do at the end of the time."""
        until = time.monotonic() + within_s
        while left := int((await asyncio.to_thread(self.rows, UNFINISHED))[0][0]):
            if time.monotonic() > until:
                break
            await asyncio.sleep(0.3)
        return left

    @property
    def tracebacks(self) -> str:
        """How many there are in the nodes' logs, and the errors that most of them end with."""
        output = self.fleet.output
        kinds = Counter(_ERROR.findall(output)).most_common(3)
        told = "; ".join(f"{kind} {count}" for kind, count in kinds)
        return f"{output.count('Traceback')} {f'({told})' if told else ''}".rstrip()


@asynccontextmanager
async def staged(folder: Path, setup: Setup, seed: int) -> AsyncIterator[Scene]:
    """Everything started, on 127.0.0.1 and ports of its own, and ended with the block."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Provider())
        postgres = stack.enter_context(Postgres.started(folder / "postgres"))
        redis = stack.enter_context(Redis.started(folder / "redis"))
        url = postgres.create(DATABASE)
        links: dict[str, list[Link]] = {}
        given = {"model": provider.url, "database": url, "redis": redis.url}
        if setup.linked:
            for name, port in (
                ("node-upstream", provider.port),
                ("node-PostgreSQL", postgres.port),
                ("node-Redis", redis.port),
            ):
                links[name] = [await stack.enter_async_context(Link(port))]
            given["model"] = f"{links['node-upstream'][0].url}/v1"
            given["database"] = postgres.url(
                "talkwire_chaos", port=links["node-PostgreSQL"][0].port
            )
            given["redis"] = f"redis://127.0.0.1:{links['node-Redis'][0].port}/0"
        fleet = Fleet(
            folder,
            setup.nodes,
            config=_config(provider, setup, given),
            env={
                "TALKWIRE_TESTING__FENCE": str(setup.fence).lower(),
                "TALKWIRE_TESTING__WRITE_AHEAD": str(setup.write_ahead).lower(),
            },
            dice=random.Random(f"{seed}/fleet"),
            prelude=setup.prelude,
        )
        await stack.enter_async_context(fleet)
        if setup.linked:
            near = [await stack.enter_async_context(Link(node.port)) for node in fleet.nodes]
            links["client-node"] = near
            fleet.ports |= {link.target_port: link.port for link in near}
        yield Scene(setup, provider, postgres, redis, fleet, url, links)


def _config(provider: Provider, setup: Setup, given: Mapping[str, str]) -> dict[str, Any]:
    model = provider.model(base_url=given["model"], **setup.model)
    return {
        "models": [model, {**model, "name": "more", "continuation": "prefill"}],
        "workers": setup.workers,
        "turns": {"on_lost": setup.on_lost, "drain_timeout_s": setup.drain_timeout_s},
        "node": {"beat_s": setup.beat_s, "dead_after_s": setup.dead_after_s},
        "streams": {"heartbeat_s": 1},
        "database": {"url": given["database"]},
        "redis": {"url": given["redis"]},
    }
