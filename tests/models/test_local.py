"""A model in this process, alone and in a pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from talkwire.canon.deltas import Finish, Retry, Text, Tokens
from talkwire.canon.errors import (
    UpstreamInvalid,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.canon.models import Standing
from talkwire.models._target import load
from talkwire.models._threads import WAITING
from talkwire.models.building import build
from talkwire.models.entries import Entry
from talkwire.models.local import Local
from talkwire.models.pool import Pool
from tests.models.conftest import ask, listen, until

EXAMPLE = Path(__file__).parents[2] / "examples" / "local-model" / "model.py"
Make = Callable[..., Local]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Local] = []

    def local(function: Callable[..., Any], **settings: Any) -> Local:
        made.append(Local("m", function, **settings))
        return made[-1]

    yield local
    for model in made:
        await model.close()


@pytest.mark.parametrize(
    ("said", "pieces"),
    [
        ("one two  three", ["one ", "two  ", "three"]),
        ("小河说什么", ["小河", "说什", "么"]),
        ("", []),
    ],
)
async def test_a_whole_answer_is_said_in_natural_pieces(
    said: str, pieces: list[str], make: Make
) -> None:
    heard = await listen(make(lambda messages: said), ask())

    assert heard.of(Text) == [Text(piece) for piece in pieces]
    assert (heard.deltas[-1], heard.of(Tokens)) == (Finish("stop"), [])


async def test_they_may_have_a_pace(make: Make) -> None:
    began = time.monotonic()

    heard = await listen(make(lambda messages: "a b c", pace_s=0.02), ask())

    assert heard.text == "a b c"
    assert time.monotonic() - began >= 0.06


async def test_without_one_others_are_let_run_between_them(make: Make) -> None:
    rounds = 0

    async def others() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    running = asyncio.ensure_future(others())
    heard = await listen(make(lambda messages: "word " * 500), ask())
    running.cancel()

    assert len(heard.of(Text)) == 500
    assert rounds >= 500


async def test_pieces_are_said_as_they_come_and_empty_ones_are_none(make: Make) -> None:
    async def answer(messages: list[dict[str, Any]]) -> AsyncIterator[str]:
        for piece in ("one two ", "", "three", "\ud800"):
            yield piece
            await asyncio.sleep(0.001)

    heard = await listen(make(answer), ask())

    assert heard.of(Text) == [Text("one two "), Text("three"), Text("\ufffd")]


async def test_it_is_given_messages_and_the_settings_that_are_set(make: Make) -> None:
    given: list[Any] = []

    def takes_all(messages: list[dict[str, Any]], **settings: Any) -> str:
        given.append((messages, settings))
        return "ok"

    def takes_one(messages: list[dict[str, Any]], temperature: float = 1.0) -> str:
        given.append(temperature)
        return "ok"

    asked = structs.replace(ask("mine", "Hi"), instructions="Be kind.", temperature=0.5)
    for function in (takes_all, takes_one, lambda messages: "ok"):
        assert (await listen(make(function), asked)).text == "ok"

    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]
    assert given == [(messages, {"model": "mine", "temperature": 0.5}), 0.5]


async def test_half_an_answer_is_carried_on_as_the_model_can(make: Make) -> None:
    given: list[Any] = []

    def answer(messages: list[dict[str, Any]]) -> str:
        given.append([message["role"] for message in messages])
        return "ok"

    for prefill in (True, False):
        await listen(make(answer, prefill=prefill), ask(partial="One "))

    assert given == [["user", "assistant"], ["user", "assistant", "user"]]


async def test_what_is_raised_is_told_and_logged_by_its_class_alone(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(messages: list[dict[str, Any]]) -> Iterator[str]:
        yield "one "
        raise KeyError("sk-secret")

    async def is_cancelled(messages: list[dict[str, Any]]) -> str:
        raise asyncio.CancelledError("sk-secret")

    def leaves(messages: list[dict[str, Any]]) -> str:
        raise SystemExit("sk-secret")

    told = [await listen(make(each), ask()) for each in (fails, is_cancelled, leaves)]

    for heard, name in zip(told, ["KeyError", "CancelledError", "SystemExit"], strict=True):
        assert isinstance(heard.error, UpstreamUnavailable)
        assert heard.error.message == f"The model in this process failed ({name})."
        assert f"model.raised: m: {name} at " in caplog.text
    assert told[0].text == "one "
    assert "test_local.py:" in caplog.text
    assert "secret" not in caplog.text


async def test_what_is_no_text_is_invalid(make: Make) -> None:
    heard = await listen(make(lambda messages: {"text": "hi"}), ask())

    assert isinstance(heard.error, UpstreamInvalid)
    assert "gave dict instead of text" in heard.error.message


async def test_silence_has_its_limits(make: Make) -> None:
    async def silent(messages: list[dict[str, Any]]) -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    late = await listen(make(silent, first_token_s=5, idle_s=0.01), ask())
    never = await listen(make(lambda messages: time.sleep(0.1), first_token_s=0.01), ask())

    assert (late.text, never.text) == ("a", "")
    assert isinstance(late.error, UpstreamTimeout)
    assert isinstance(never.error, UpstreamTimeout)


async def test_a_function_that_is_too_slow_is_run_once(tmp_path: Path) -> None:
    code = (
        "import threading\n"
        "go, runs = threading.Event(), []\n"
        "def answer(messages):\n"
        "    runs.append(1)\n"
        "    go.wait(5)\n"
        "    return 'ok'\n"
    )
    (tmp_path / "slow.py").write_text(code, "utf-8")
    target = f"{tmp_path / 'slow.py'}:answer"
    model = build(Entry("m", "python", target=target, first_token_timeout_s=0.05))
    assert isinstance(model, Pool)
    answer = model.deployments[0].model
    assert isinstance(answer, Local)

    heard = await listen(model, ask())
    late = await listen(answer, ask())
    shared = answer._function.__globals__
    shared["go"].set()
    await model.close()

    assert isinstance(heard.error, UpstreamTimeout)
    assert (heard.error.retryable, heard.of(Retry), len(shared["runs"])) == (False, [], 1)
    assert model.deployments[0].health.errors == {"upstream_timeout": 1}
    assert model.deployments[0].health.error_rate > 0, "the model is to blame all the same"
    assert isinstance(late.error, UpstreamRateLimited), "it waited for the thread, and never began"


async def test_more_than_can_wait_are_told_to_come_later(make: Make) -> None:
    def slow(messages: list[dict[str, Any]]) -> str:
        time.sleep(0.02)
        return "ok"

    model = make(slow)
    asked = [asyncio.ensure_future(listen(model, ask())) for _ in range(3 + WAITING)]
    heard = await asyncio.gather(*asked)

    errors = [each.error for each in heard if each.error]
    assert [type(error) for error in errors] == [UpstreamRateLimited] * 2
    assert [each.text for each in heard].count("ok") == 1 + WAITING


async def test_one_that_is_closed_answers_no_more(make: Make) -> None:
    model = make(lambda messages: "ok")
    await model.close()

    assert isinstance((await listen(model, ask())).error, UpstreamUnavailable)


async def test_a_blocking_function_does_not_hold_others_up_and_is_left_when_cancelled(
    tmp_path: Path,
) -> None:
    code = (
        "import threading\n"
        "go = threading.Event()\n"
        "def answer(messages):\n"
        "    if messages[-1]['content'] == 'wait': go.wait(5)\n"
        "    return 'ok'\n"
    )
    (tmp_path / "slow.py").write_text(code, "utf-8")
    model = build(Entry("m", "python", target=f"{tmp_path / 'slow.py'}:answer", threads=2))
    assert isinstance(model, Pool)

    def running() -> int:
        return model.standing(Standing("m", "local")).running

    held = asyncio.ensure_future(listen(model, ask("m", "wait")))
    await until(lambda: running() == 1)
    assert (await listen(model, ask())).text == "ok"
    held.cancel()
    await asyncio.wait([held])

    assert running() == 0
    load(f"{tmp_path / 'slow.py'}:go.set", tmp_path)()
    await model.close()


async def test_the_example_streams_and_says_the_same_to_the_same_question() -> None:
    streamed = build(Entry("river", "python", target=f"{EXAMPLE}:answer"))
    whole = build(Entry("river", "python", target=f"{EXAMPLE}:whole"))

    for question in ("What does the bridge know?", "桥知道什么？", "", "x"):
        first, again, other = [
            await listen(model, ask("river", question)) for model in (streamed, streamed, whole)
        ]
        assert first.error is None
        assert len(first.of(Text)) > 5
        assert first.text == again.text == other.text
        assert sum(map(first.text.count, ".?!。？！")) == 3
    short = structs.replace(ask("river", "Who?"), max_output_tokens=5, temperature=0.0)
    assert len((await listen(streamed, short)).text) == 20
    await streamed.close()
    await whole.close()
