"""Silence: one timer, two limits."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.canon.errors import ModelError, UpstreamTimeout
from talkwire.models._silence import Silence


class Heard:
    """An answer that is waited for, or not."""

    def __init__(self) -> None:
        self.awaited = True
        self.failed: asyncio.Future[ModelError] = asyncio.get_running_loop().create_future()

    def fail(self, error: ModelError) -> None:
        self.failed.set_result(error)

    async def failure(self) -> ModelError:
        async with asyncio.timeout(5):
            return await self.failed


async def test_nothing_within_the_first_limit_is_told_as_such() -> None:
    answer = Heard()
    Silence(answer, asyncio.get_running_loop(), 0.01, 50)

    error = await answer.failure()

    assert isinstance(error, UpstreamTimeout)
    assert error.message == "The model said nothing within 0.01 s."


@pytest.mark.parametrize("within_s", [None, 0.01])
async def test_a_stream_that_falls_silent_is_told_as_such(within_s: float | None) -> None:
    answer = Heard()
    silence = Silence(answer, asyncio.get_running_loop(), 50, 0.01 if within_s is None else 50)

    silence.flow(within_s)

    assert (await answer.failure()).message == "The model said nothing for 0.01 s."


async def test_a_reader_that_is_busy_is_not_the_model_s_silence() -> None:
    loop = asyncio.get_running_loop()
    answer = Heard()
    answer.awaited = False
    silence = Silence(answer, loop, 0.001, 0.001)
    silence.flow()
    looked = loop.create_future()
    loop.call_later(0.02, looked.set_result, None)
    await looked
    assert not answer.failed.done()

    answer.awaited = True

    assert isinstance(await answer.failure(), UpstreamTimeout)


async def test_a_stopped_silence_stays_stopped() -> None:
    loop = asyncio.get_running_loop()
    answer = Heard()
    silence = Silence(answer, loop, 0.001, 0.001)

    silence.stop()
    silence.flow()

    passed = loop.create_future()
    loop.call_later(0.02, passed.set_result, None)
    await passed
    assert not answer.failed.done()
