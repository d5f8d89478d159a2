"""Asked again before the first word only."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest
import stamina

from talkwire.canon.deltas import Delta, Finish, Retry, Text, Tokens
from talkwire.canon.errors import (
    ModelError,
    UpstreamAuth,
    UpstreamIncomplete,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnavailable,
)
from talkwire.models import retrying
from talkwire.models.pool import Deployment, Model, Pool
from talkwire.models.scripted import Driven, Step
from tests.models.conftest import MakeModel, ask, listen
from tests.upstream.server import Upstream


class Watched(Driven):
    """Can be waited for, a turn of the loop at a time."""

    async def until(self, *, asked: int = 0, closed: int = 0) -> None:
        async with asyncio.timeout(5):
            for _ in itertools.count():
                if len(self.requests) >= asked and self.closed >= closed:
                    return
                await asyncio.sleep(0)


def alone(model: Model, *, max_attempts: int = 3) -> Pool:
    return Pool("m", [Deployment(model)], max_attempts=max_attempts)


WELL: list[Step] = [Text("hi"), Finish("stop")]


def down(retry_after_s: float | None = None) -> ModelError:
    error = UpstreamRateLimited("slow down")
    error.retry_after_s = retry_after_s
    return error


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retrying, "WAIT_FIRST_S", 0.002)
    hooks = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(hooks)


def reasons(said: list[Delta]) -> list[tuple[int, int, str]]:
    return [(d.attempt, d.max_attempts, d.reason) for d in said if isinstance(d, Retry)]


async def test_a_failure_before_the_first_word_is_asked_again() -> None:
    model = Driven([down()], [UpstreamUnavailable("gone")], WELL)

    heard = await listen(alone(model), ask())

    assert heard.error is None
    assert heard.text == "hi"
    assert reasons(heard.deltas) == [
        (1, 3, "upstream_rate_limited"),
        (2, 3, "upstream_unavailable"),
    ]


async def test_attempts_are_counted_and_the_last_error_is_told() -> None:
    model = Driven([down()])

    heard = await listen(alone(model, max_attempts=2), ask())

    assert isinstance(heard.error, UpstreamRateLimited)
    assert (len(model.requests), model.closed) == (2, 2)
    assert len(reasons(heard.deltas)) == 1


async def test_nothing_is_asked_again_once_something_was_said() -> None:
    model = Driven([Text("a"), UpstreamIncomplete("cut")])

    heard = await listen(alone(model), ask())

    assert isinstance(heard.error, UpstreamIncomplete)
    assert (heard.text, len(model.requests)) == ("a", 1)


async def test_usage_alone_says_nothing() -> None:
    model = Driven([Tokens(1, 1), UpstreamIncomplete("cut")], WELL)

    assert (await listen(alone(model), ask())).text == "hi"


async def test_a_stream_that_ends_without_a_word_is_incomplete() -> None:
    heard = await listen(alone(Driven([Tokens(1, 1)]), max_attempts=1), ask())

    assert isinstance(heard.error, UpstreamIncomplete)


@pytest.mark.parametrize("error", [UpstreamAuth, UpstreamRejected, UpstreamNotFound, ModelError])
async def test_what_will_not_change_is_not_asked_again(error: type[ModelError]) -> None:
    model = Driven([error("no")])

    assert isinstance((await listen(alone(model), ask())).error, error)
    assert len(model.requests) == 1


async def test_retry_after_is_honoured_up_to_its_limit() -> None:
    short, long = Driven([down(0.05)], WELL), Driven([down(21)], WELL)
    loop = asyncio.get_running_loop()

    began = loop.time()
    heard = await listen(alone(short), ask())
    waited = loop.time() - began

    assert heard.text == "hi"
    assert waited >= 0.05
    assert (await listen(alone(long), ask())).error is not None
    assert len(long.requests) == 1


async def test_cancelling_the_wait_ends_it() -> None:
    model = Watched([down(10)])
    task = asyncio.ensure_future(listen(alone(model), ask()))
    await model.until(closed=1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_the_first_word_asks_nothing_again() -> None:
    model = Watched([down()], [asyncio.Event()])
    task = asyncio.ensure_future(listen(alone(model), ask()))
    await model.until(asked=2)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (len(model.requests), model.closed) == (2, 2)


async def test_a_rate_limit_of_a_real_server_is_waited_out(
    make_model: MakeModel, upstream: Upstream
) -> None:
    upstream.script.extend(["status429-retry0", "status503", "n3"])

    heard = await listen(alone(make_model()), ask())

    assert (heard.text, upstream.calls) == ("w0 w1 w2 ", 3)
