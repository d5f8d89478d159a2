"""A TCP proxy that hurts connections in planned ways: cuts, resets, delays, drips, black holes.

Each accepted connection takes the next `Harm` of the plan; without one it passes untouched.
What a client sends is always passed on unharmed: servers are met as they are, answers get lost.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tests.e2e.listening import Listening

_CHUNK = 65_536


@dataclass(frozen=True)
class Harm:
    """What happens to the bytes that go to the client.

    `after` bytes are passed on; then the connection is closed in order (`cut`), reset (`rst`) or
    nothing more comes though it stays open (`hole`). `delay_s` precedes each piece of at most
    `piece` bytes.
    """

    after: int | None = None
    end: str = "cut"
    delay_s: float = 0.0
    piece: int = _CHUNK


UNHARMED = Harm()


def random_cuts(seed: int, count: int, most_bytes: int) -> Iterator[Harm]:
    """`count` connections that are cut or reset at random offsets, then peace."""
    dice = random.Random(seed)
    for _ in range(count):
        yield Harm(after=dice.randrange(most_bytes), end=dice.choice(["cut", "rst"]))


class Proxy(Listening):
    """`async with Proxy(target_port) as proxy`: connect to `proxy.port` instead of the target."""

    def __init__(self, target_port: int, plan: Iterator[Harm] | None = None) -> None:
        super().__init__()
        self.target_port = target_port
        self.plan = plan or iter(())
        self.accepted = 0
        self.harmed = 0

    async def serve(self, client: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self.accepted += 1
        await self._link(client, out, next(self.plan, UNHARMED))

    async def _link(
        self, client: asyncio.StreamReader, out: asyncio.StreamWriter, harm: Harm
    ) -> None:
        try:
            server, up = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            reset(out)
            return
        asking = asyncio.create_task(_pass_on(client, up))
        answering = asyncio.create_task(self._harmed(server, out, harm))
        try:
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asking, answering):
                task.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
            up.close()
            out.close()

    async def _harmed(
        self, server: asyncio.StreamReader, out: asyncio.StreamWriter, harm: Harm
    ) -> None:
        left = harm.after
        while left is None or left > 0:
            data = await server.read(min(harm.piece, left if left is not None else _CHUNK))
            if not data:
                return
            if harm.delay_s:
                await asyncio.sleep(harm.delay_s)
            out.write(data)
            with suppress(ConnectionError):
                await out.drain()
            if left is not None:
                left -= len(data)
        self.harmed += 1
        if harm.end == "hole":
            await asyncio.Event().wait()
        elif harm.end == "rst":
            reset(out)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()


def reset(out: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    raw = out.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.transport.abort()
