"""Programs that are given bytes and give bytes back: where what is not trusted is worked on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from talkwire.canon.errors import Unavailable

_PIECE = 65_536


class Overrun(Exception):
    """The program took too long, or gave too much."""


class Ended(NamedTuple):
    """How a program has ended; a signal is a negative status."""

    status: int
    out: bytes


class Children:
    """Programs in Python, `at_once` of them and no more; others wait for `queue_s`.

    A program knows nothing of this process: neither its environment, with keys in it, nor its
    files. Whoever gives up waiting has it killed.
    """

    def __init__(self, *, at_once: int, queue_s: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._queue_s = queue_s
        self.running: set[int] = set()

    async def run(
        self,
        program: Path,
        arguments: Sequence[str],
        given: bytes,
        *,
        timeout_s: float,
        most_bytes: int,
    ) -> Ended:
        """What came of it.

        :raises Overrun: it took longer, or gave more, and was killed.
        :raises Unavailable: there was no place in time, or no process to be had.
        """
        try:
            async with asyncio.timeout(self._queue_s):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Too much is listened to just now; ask again in a moment.") from None
        try:
            child = await _begun(program, arguments)
            self.running.add(child.pid)
            try:
                async with asyncio.timeout(timeout_s):
                    return await _talk(child, given, most_bytes)
            except TimeoutError:
                raise Overrun from None
            finally:
                await _end(child)
                self.running.discard(child.pid)
        finally:
            self._places.release()


async def _begun(program: Path, arguments: Sequence[str]) -> asyncio.subprocess.Process:
    # Its libraries are found where this process finds them; nothing else of it is handed on.
    path = os.pathsep.join(each for each in sys.path if each)
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(program),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": path, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except OSError:
        raise Unavailable("No process could be started to listen with.") from None


async def _talk(child: asyncio.subprocess.Process, given: bytes, most: int) -> Ended:
    telling = asyncio.create_task(_tell(child, given))
    try:
        out = await _read(child, most)
        return Ended(await child.wait(), out)
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _tell(child: asyncio.subprocess.Process, given: bytes) -> None:
    """Write as fast as it reads. It may end before it has read all."""
    pipe = child.stdin
    if pipe is None:
        raise RuntimeError("a child without stdin")
    left = memoryview(given)
    with suppress(BrokenPipeError, ConnectionResetError):
        while left:
            pipe.write(left[:_PIECE])
            left = left[_PIECE:]
            await pipe.drain()
        pipe.close()
        await pipe.wait_closed()


async def _read(child: asyncio.subprocess.Process, most: int) -> bytes:
    if child.stdout is None:
        raise RuntimeError("a child without stdout")
    pieces, size = [], 0
    while piece := await child.stdout.read(_PIECE):
        size += len(piece)
        if size > most:
            raise Overrun
        pieces.append(piece)
    return b"".join(pieces)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill it unless it has ended, and wait for that: no process is left behind."""
    with suppress(ProcessLookupError):
        child.kill()
    await asyncio.shield(_reap(child))


async def _reap(child: asyncio.subprocess.Process) -> None:
    # What it has said is read to its end: a pipe that is full hides that it was closed.
    while child.stdout is not None and await child.stdout.read(_PIECE):
        pass
    await child.wait()
