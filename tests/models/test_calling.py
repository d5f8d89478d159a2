"""Functions of somebody else's: on the loop or in a thread, whole or in pieces."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from talkwire.models._calling import AHEAD, Call, Escaped, Given
from talkwire.models._calling import is_asynchronous as asynchronous
from talkwire.models._threads import Threads
from tests.models.conftest import until


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(1)
    yield made
    made.close()


def whole() -> str:
    return "a b"


async def whole_later() -> str:
    await asyncio.sleep(0)
    return "a b"


def in_pieces() -> Iterator[str]:
    yield "a "
    yield "b"


async def in_pieces_later() -> AsyncIterator[str]:
    yield "a "
    await asyncio.sleep(0)
    yield "b"


async def pieces_after_a_while() -> Iterator[str]:
    return in_pieces()


def later_by_a_plain_function() -> Any:
    return whole_later()


async def heard(function: Callable[[], Any], threads: Threads) -> str:
    call = Call(function, threads)
    try:
        said = []
        while pieces := await call.take():
            said += pieces
        if call.failure is not None:
            raise call.failure
        return "".join(said) or call.whole or ""
    finally:
        await call.close()


@pytest.mark.parametrize(
    "function",
    [
        whole,
        whole_later,
        in_pieces,
        in_pieces_later,
        pieces_after_a_while,
        later_by_a_plain_function,
        lambda: iter(["a ", "b"]),
        functools.partial(in_pieces),
    ],
)
async def test_each_kind_of_function_is_heard(
    function: Callable[[], Any], threads: Threads
) -> None:
    assert await heard(function, threads) == "a b"


def test_what_can_run_on_the_loop_is_told_from_what_would_block_it() -> None:
    class Answers:
        async def __call__(self) -> str:
            return ""

    later: list[Callable[..., Any]] = [whole_later, in_pieces_later, Answers()]
    at_once: list[Callable[..., Any]] = [whole, in_pieces, functools.partial(in_pieces)]
    assert [asynchronous(each) for each in later] == [True] * 3
    assert [asynchronous(each) for each in at_once] == [False] * 3
    assert asynchronous(functools.partial(functools.partial(whole_later)))


@pytest.mark.parametrize(
    ("given", "named"), [(None, "NoneType"), (7, "int"), (["a"], "list"), (iter([b"a"]), "bytes")]
)
async def test_what_is_no_text_is_named(given: Any, named: str, threads: Threads) -> None:
    with pytest.raises(Given, match=f"^{named}$"):
        await heard(lambda: given, threads)


async def test_what_would_end_more_than_the_call_does_not(threads: Threads) -> None:
    async def leaves() -> str:
        sys.exit("secret")

    for function in (leaves, lambda: sys.exit("secret"), lambda: next(iter([]))):
        with pytest.raises(Escaped, match=r"^(SystemExit|StopIteration)$"):
            await heard(function, threads)


async def test_what_was_said_before_a_failure_is_heard(threads: Threads) -> None:
    def fails() -> Iterator[str]:
        yield "a"
        raise KeyError("secret")

    call = Call(fails, threads)
    said = await call.take()
    assert (said, await call.take()) == (["a"], [])

    assert isinstance(call.failure, KeyError)
    await call.close()


async def test_a_failure_that_nobody_asks_for_is_not_logged_with_its_text(
    threads: Threads,
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def fails() -> str:
        raise KeyError("sk-secret")

    call = Call(fails, threads)
    await asyncio.wait({call._task})
    await call.close()
    del call
    gc.collect()

    assert told == []


async def test_it_has_begun_when_the_function_is_called(threads: Threads) -> None:
    go = threading.Event()
    calls = [Call(lambda: str(go.wait(5)), threads) for _ in range(2)]
    alone = Call(whole_later, threads)

    await until(lambda: calls[0].begun and alone.begun)

    assert not calls[1].begun
    go.set()
    for call in (*calls, alone):
        await call.close()


async def test_a_quick_function_is_only_so_far_ahead(threads: Threads) -> None:
    made: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            made.append(1)
            yield "a"

    call = Call(endless, threads)
    await until(lambda: len(made) > AHEAD)
    await asyncio.sleep(0.01)
    assert len(made) == AHEAD + 1

    assert len(await call.take()) == AHEAD
    await call.close()


async def test_a_quick_coroutine_is_only_so_far_ahead_either(threads: Threads) -> None:
    made: list[int] = []
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                made.append(1)
                yield "a"
        finally:
            closed.set()

    call = Call(endless, threads)
    await until(lambda: len(made) > AHEAD)
    assert len(await call.take()) == AHEAD
    await call.close()

    assert closed.is_set()


async def test_a_thread_that_is_given_up_stops_at_its_next_piece(threads: Threads) -> None:
    go, closed = threading.Event(), threading.Event()

    def slow() -> Iterator[str]:
        try:
            yield "a"
            go.wait(5)
            yield "b"
            yield "never"
        finally:
            closed.set()

    call = Call(slow, threads)
    await call.take()
    await call.close()
    assert not closed.is_set()

    go.set()
    assert await asyncio.to_thread(closed.wait, 5)
    assert await heard(whole, threads) == "a b", "the thread is free again"


async def test_a_coroutine_that_will_not_be_cancelled_is_left(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire.models._calling.GRACE_S", 0.01)
    go = asyncio.Event()

    async def stubborn() -> str:
        try:
            await go.wait()
        except asyncio.CancelledError:
            await go.wait()
        raise KeyError("nobody hears it")

    call = Call(stubborn, threads)
    await asyncio.sleep(0)
    await call.close()

    go.set()
    await asyncio.wait({call._task})
