"""A TCP link between two parts that can be hurt while it is in use, and healed again.

The proxy of the end-to-end tests harms connections by a plan made before; this one is switched at
any time, for all its connections at once, and in both directions: as a cable between a server and
its database is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.e2e.listening import Listening
from tests.e2e.proxy import reset

_CHUNK = 65_536


class Link(Listening):
    """`async with Link(target_port) as link`: connect to `link.port` instead of the target.

    Healthy at first. `accepted` counts connections.
    """

    def __init__(self, target_port: int) -> None:
        super().__init__()
        self.target_port = target_port
        self.accepted = 0
        self._delay_s = 0.0
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def open(self) -> int:
        """How many connections it holds."""
        return len(self._ends) // 2

    def cut(self) -> None:
        """Reset all connections, with what is under way in them; new ones are let through."""
        for end in list(self._ends):
            reset(end)

    def refuse(self) -> None:
        """Cut, and reset new connections too, until `heal`."""
        self._refusing = True
        self.cut()

    def hole(self) -> None:
        """Nothing arrives any more, on old connections and on new ones, though all stay open.

        `heal` delivers what was held back, as TCP does after a lost route has come back.
        """
        self._flowing.clear()

    def delay(self, delay_s: float) -> None:
        """Each piece arrives so much later, in each direction."""
        self._delay_s = delay_s

    def heal(self) -> None:
        """Everything passes again, at once."""
        self._refusing = False
        self._delay_s = 0.0
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            reset(writer)
            return
        try:
            await self._flowing.wait()
            answers, up = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            reset(writer)
            return
        except asyncio.CancelledError:
            writer.close()  # the link ends as a black hole
            raise
        ends = {writer, up}
        self._ends |= ends
        passing = [
            asyncio.create_task(self._pass_on(reader, up)),
            asyncio.create_task(self._pass_on(answers, writer)),
        ]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            self._ends -= ends
            for end in ends:
                end.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(_CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
