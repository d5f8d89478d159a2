"""Several servers on one database, each a process of its own: killed, frozen and started again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.servers import NotReady, Server
from tests.e2e.waiting import until


class Fleet:
    """`async with`: `count` nodes that serve. Also where clients connect: any node that is up.

    `ports` puts something between clients and nodes: what clients are told instead.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        *,
        config: Mapping[str, Any],
        env: Mapping[str, str],
        dice: random.Random,
        prelude: str = "",
    ) -> None:
        self.nodes = [
            Server(folder / f"node-{k}", config=config, env=env, prelude=prelude)
            for k in range(count)
        ]
        self.ports: dict[int, int] = {}
        self.moved = asyncio.Event()
        self._dice = dice
        self._up: set[int] = set()
        self._rising: dict[int, asyncio.Task[None]] = {}
        self._failed: list[NotReady] = []

    @property
    def port(self) -> int:
        """One that is up, or, where none is, any."""
        k = self._dice.choice(sorted(self._up) or range(len(self.nodes)))
        port = self.nodes[k].port
        return self.ports.get(port, port)

    @property
    def direct(self) -> int:
        """As `port`, with nothing between."""
        return self.nodes[min(self._up, default=0)].port

    @property
    def up(self) -> list[int]:
        """The nodes that serve, by their index."""
        return sorted(self._up)

    async def __aenter__(self) -> Fleet:
        for k in range(len(self.nodes)):
            self._rise(k)
        await self.settled(len(self.nodes))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._rising.values():
            task.cancel()
        await asyncio.gather(*self._rising.values(), return_exceptions=True)
        for node in self.nodes:
            await asyncio.to_thread(node.stop)

    async def settled(self, at_least: int, within_s: float = 60.0) -> None:
        """Wait until so many nodes serve. :raises NotReady: one did not come back."""
        await until(lambda: len(self._up) >= at_least or self._failed, within_s)
        for error in self._failed:
            raise error

    def kill(self, k: int) -> None:
        """SIGKILL, and a new life right after."""
        self._up.discard(k)
        self.nodes[k].kill9()
        self._rise(k)

    def freeze(self, k: int) -> None:
        self._up.discard(k)
        self.nodes[k].freeze()

    def thaw(self, k: int) -> None:
        """It goes on; should it end by itself, it is started again."""
        self.nodes[k].thaw()
        self._up.add(k)

    def revive(self) -> int:
        """Start again what has ended by itself; how many."""
        ended = [k for k in self._up if not self.nodes[k].alive]
        for k in ended:
            self._up.discard(k)
            self._rise(k)
        return len(ended)

    @property
    def output(self) -> str:
        return "\n".join(node.output for node in self.nodes)

    def _rise(self, k: int) -> None:
        task = asyncio.get_running_loop().create_task(self._start(k))
        self._rising[k] = task
        task.add_done_callback(lambda _: self._rising.pop(k, None))

    async def _start(self, k: int) -> None:
        try:
            await self.nodes[k].start()
        except NotReady as failure:
            self._failed.append(failure)
        else:
            self._up.add(k)
