from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from talkwire.canon.errors import NotFound
from talkwire.web.limits import ClientLeft
from talkwire.web.staying import while_connected
from tests.web.wire import Client, scope


def _request(client: Client) -> Request:
    return Request(scope(method="POST"), client.receive)


async def test_work_is_done_for_whoever_waits() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await while_connected(_request(Client()), work()) == 7


async def test_what_fails_fails_for_whoever_waits() -> None:
    async def work() -> None:
        raise NotFound("no")

    with pytest.raises(NotFound):
        await while_connected(_request(Client()), work())


async def test_work_for_nobody_is_cancelled_and_has_ended() -> None:
    client, told = Client(), list[str]()

    async def work() -> None:
        try:
            client.left.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("put away")

    with pytest.raises(ClientLeft):
        await while_connected(_request(client), work())

    assert told == ["put away"]


async def test_whoever_is_cancelled_cancels_the_work() -> None:
    begun, told = asyncio.Event(), list[str]()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("put away")

    task = asyncio.create_task(while_connected(_request(Client()), work()))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert told == ["put away"]
