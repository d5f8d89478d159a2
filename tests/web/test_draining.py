"""Signals: drain first, then what the server would have done."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from talkwire.web.draining import Draining

TERM = signal.SIGTERM


class Servers:
    """The handler that a server would have installed."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.called = asyncio.Event()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.got.append(number)
        self.called.set()


@pytest.fixture
def servers() -> Iterator[Servers]:
    handler = Servers()
    before = {number: signal.signal(number, handler) for number in (TERM, signal.SIGINT)}
    yield handler
    for number, previous in before.items():
        signal.signal(number, previous)


async def test_the_server_hears_of_the_first_signal_when_the_drain_is_over(
    servers: Servers,
) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        begun.set()
        await over.wait()

    draining = Draining(drain)
    draining.install()
    signal.raise_signal(TERM)
    async with asyncio.timeout(5):
        await begun.wait()
        assert servers.got == []
        over.set()
        await servers.called.wait()

    assert servers.got == [TERM]
    assert draining.begun


async def test_a_second_signal_goes_through_at_once(servers: Servers) -> None:
    async def drain() -> None:
        await asyncio.Event().wait()

    draining = Draining(drain)
    draining.install()

    signal.raise_signal(TERM)
    signal.raise_signal(signal.SIGINT)

    assert servers.got == [signal.SIGINT]


async def test_a_second_signal_ends_what_the_first_one_waits_for(servers: Servers) -> None:
    begun, hurried, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        begun.set()
        await over.wait()

    async def at_once() -> None:
        hurried.set()
        over.set()

    draining = Draining(drain, at_once=at_once)
    draining.install()
    signal.raise_signal(TERM)
    async with asyncio.timeout(5):
        await begun.wait()
        assert not hurried.is_set()
        signal.raise_signal(signal.SIGINT)
        await hurried.wait()
        await asyncio.sleep(0)

    assert servers.got == [signal.SIGINT]


async def test_a_drain_that_fails_still_ends_the_server(servers: Servers) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told))

    async def drain() -> None:
        raise RuntimeError("broken")

    draining = Draining(drain)
    draining.install()
    signal.raise_signal(TERM)
    async with asyncio.timeout(5):
        await servers.called.wait()

    assert servers.got == [TERM]


async def test_removing_puts_the_handlers_back(servers: Servers) -> None:
    async def drain() -> None:
        return None

    draining = Draining(drain)
    draining.install()
    draining.remove()

    assert signal.getsignal(TERM) is servers
