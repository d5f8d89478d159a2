from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.e2e.listening import Listening
from tests.e2e.waiting import until
from tests.services.link import Link

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo(Listening):
    """Answers each line with itself."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    async with Echo() as echo, Link(echo.port) as link:
        yield link


async def _connected(link: Link) -> Ends:
    return await asyncio.open_connection("127.0.0.1", link.port)


async def _echoed(ends: Ends, line: bytes, within_s: float = 5.0) -> bytes:
    reader, writer = ends
    writer.write(line)
    async with asyncio.timeout(within_s):
        return await reader.readline()


async def test_a_healthy_link_passes_everything(link: Link) -> None:
    ends = await _connected(link)

    assert await _echoed(ends, b"one\n") == b"one\n"
    assert (link.accepted, link.open) == (1, 1)
    ends[1].close()
    await until(lambda: link.open == 0)


async def test_a_cut_resets_what_there_is_and_lets_new_connections_through(link: Link) -> None:
    old = await _connected(link)
    await _echoed(old, b"one\n")

    link.cut()

    with pytest.raises(ConnectionResetError):
        await old[0].readline()
    new = await _connected(link)
    assert await _echoed(new, b"two\n") == b"two\n"
    new[1].close()


async def test_a_link_that_refuses_resets_new_connections_until_it_is_healed(link: Link) -> None:
    link.refuse()
    refused = await _connected(link)
    with pytest.raises(ConnectionResetError):
        await refused[0].readline()

    link.heal()

    new = await _connected(link)
    assert await _echoed(new, b"one\n") == b"one\n"
    new[1].close()


async def test_a_black_hole_is_silent_and_delivers_once_it_is_healed(link: Link) -> None:
    old = await _connected(link)
    await _echoed(old, b"one\n")
    link.hole()
    with pytest.raises(TimeoutError):
        await _echoed(old, b"two\n", within_s=0.1)
    new = await _connected(link)
    with pytest.raises(TimeoutError):
        await _echoed(new, b"three\n", within_s=0.1)

    link.heal()

    async with asyncio.timeout(5):
        assert await old[0].readline() == b"two\n"
        assert await new[0].readline() == b"three\n"
    for _, writer in (old, new):
        writer.close()


async def test_a_delay_holds_each_direction_back(link: Link) -> None:
    ends = await _connected(link)
    await _echoed(ends, b"one\n")
    link.delay(0.05)

    began = time.monotonic()
    await _echoed(ends, b"two\n")

    assert time.monotonic() - began >= 0.1
    ends[1].close()
