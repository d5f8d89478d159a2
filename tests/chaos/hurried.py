"""A stream reader that does not wait for ever: silence is taken for a lost connection."""

from __future__ import annotations

import asyncio


class Hurried(asyncio.StreamReader):
    """Reads from another reader; a wait of more than `quiet_s` raises TimeoutError."""

    def __init__(self, reader: asyncio.StreamReader, quiet_s: float) -> None:
        super().__init__()
        self._of = reader
        self._quiet_s = quiet_s

    async def readline(self) -> bytes:
        async with asyncio.timeout(self._quiet_s):
            return await self._of.readline()

    async def readexactly(self, n: int) -> bytes:
        async with asyncio.timeout(self._quiet_s):
            return await self._of.readexactly(n)

    async def read(self, n: int = -1) -> bytes:
        async with asyncio.timeout(self._quiet_s):
            return await self._of.read(n)
