"""Which of two real models answers, and which one when it dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.provider import Provider, said
from tests.e2e.routed import (
    MODELS,
    STREAM,
    WHOLE,
    Fresh,
    asked,
    frames_of,
    kinds,
    large,
    local,
    text,
)
from tests.e2e.servers import Server
from tests.e2e.wire_client import ask, asking

WORDS = 6
DYING = range(WORDS + 1)


@pytest.fixture
async def cloud() -> AsyncIterator[Provider]:
    """The provider of the other kind."""
    async with Provider() as running:
        yield running


async def test_auto_decides_by_the_message_and_says_why_in_answer_and_record(
    provider: Provider, cloud: Provider, fresh_server: Fresh
) -> None:
    models = [local(provider), large(cloud, price_in=1, price_out=4)]
    server = await fresh_server(config={"models": models}).start()
    hard = "words=3 Prove step by step that the root of 2 is irrational, and compare two proofs."

    for message, kind, name in (
        (hard, "cloud_large", "large"),
        ("words=2", "local_small", "small"),
    ):
        status, told = await ask(server.port, "POST", WHOLE, body=asked(message))
        assert (status, told["model_used"], told["model"]) == (200, kind, name)
        assert told["route"]["model_type"] == kind
        assert told["route"]["tried"] == [name]
        assert told["route"]["reasons"]
        _, record = await ask(server.port, "GET", f"/turns/{told['turn_id']}")
        assert record["route"] == {
            name: told["route"][name] for name in ("model", "model_type", "reasons")
        }
    assert (len(provider.calls), len(cloud.calls)) == (1, 1)
    assert told["content"] == said(2)


async def test_what_a_request_asks_for_is_kept_to(
    provider: Provider, cloud: Provider, fresh_server: Fresh
) -> None:
    models = [local(provider), large(cloud)]
    server = await fresh_server(config={"models": models}).start()

    for given, kind in (
        ({"model_type": "local_small"}, "local_small"),
        ({"model_type": "cloud_large"}, "cloud_large"),
        ({"preferred_model": "large", "model_type": "local_small"}, "cloud_large"),
    ):
        frames = await frames_of(server, asked("words=1", **given))
        assert kinds(frames) == {kind}
    status, told = await ask(server.port, "POST", WHOLE, body=asked("x", preferred_model="smal"))
    assert (status, told["code"]) == (400, "invalid_request")
    assert "Did you mean 'small'?" in told["error"]


def dying(provider: Provider) -> list[dict[str, Any]]:
    """A local model for each number of words that it says before it dies."""
    return [local(provider, f"dies{k}", upstream_model=f"local words={k} then=cut") for k in DYING]


async def test_wherever_the_local_model_dies_the_cloud_one_carries_the_text_on(
    provider: Provider, cloud: Provider, fresh_server: Fresh
) -> None:
    models = [*dying(provider), large(cloud, continuation="prefill")]
    server = await fresh_server(config={"models": models}).start()

    for k in DYING:
        body = asked(f"k{k} words={WORDS}", preferred_model=f"dies{k}", session_id=f"s{k}")
        *pieces, last, done = await frames_of(server, body)

        assert text([p for p in pieces if p.data["model_used"] == "local_small"]) == said(k)
        assert text([p for p in pieces if p.data["model_used"] == "cloud_large"]) == said(WORDS, k)
        assert text(pieces) == said(WORDS)
        assert (last.data["model_used"], last.data["finish_reason"]) == ("cloud_large", "stop")
        assert done.fields["data"] == "[DONE]"
        status, whole = await ask(server.port, "POST", WHOLE, body={**body, "session_id": f"w{k}"})
        assert (status, whole["content"], whole["model_used"]) == (200, said(WORDS), "cloud_large")
        assert whole["route"]["tried"][-1] == "large"


async def test_where_it_cannot_be_carried_on_there_is_one_error_and_nothing_is_said_twice(
    provider: Provider, cloud: Provider, fresh_server: Fresh
) -> None:
    models = [*dying(provider), large(cloud)]
    server = await fresh_server(config={"models": models}).start()

    for k in DYING:
        body = asked(f"k{k} words={WORDS}", preferred_model=f"dies{k}", session_id=f"s{k}")
        frames = await frames_of(server, body)

        if k == 0:  # nothing was said: any model may begin
            assert text(frames) == said(WORDS)
            assert kinds(frames) == {"cloud_large"}
            continue
        *pieces, last = frames
        assert text(pieces) == said(k)
        assert list(last.data) == ["error", "code", "content", "session_id"]
        assert cloud.called(f"k{k} ") == []


async def test_a_model_that_nothing_listens_for_is_stood_in_for_and_both_gone_is_502(
    provider: Provider, fresh_server: Fresh
) -> None:
    nowhere = {"base_url": "http://127.0.0.1:1/v1"}
    models = [local(provider, **nowhere), large(provider)]
    server = await fresh_server(config={"models": models}).start()
    alone = fresh_server("alone", config={"models": [local(provider, **nowhere)]})
    await alone.start()

    frames = await frames_of(server, asked("words=2", model_type="local_small"))
    async with asking(alone.port, "POST", STREAM, body=asked("words=2")) as answer:
        status, body = answer.status, await answer.body()

    assert text(frames) == said(2)
    assert kinds(frames) == {"cloud_large"}
    assert (status, b"upstream_unavailable" in body) == (502, True)


async def test_one_model_of_any_type_is_enough_and_other_types_are_refused(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [provider.model(type="in_house")]}).start()

    frames = await frames_of(server, asked("words=1"))
    async with asking(
        server.port, "POST", STREAM, body=asked("x", model_type="local_small")
    ) as answer:
        status, body = answer.status, await answer.body()
    _, listed = await ask(server.port, "GET", MODELS)

    assert kinds(frames) == {"in_house"}
    assert status == 400
    assert b"Known: auto, in_house." in body
    assert {kind: len(found) for kind, found in listed["models"].items()} == {
        "local_small": 0,
        "cloud_large": 0,
        "in_house": 1,
    }
    assert listed["default"] == "words"


@pytest.mark.parametrize("kind", ["auto", "local_small", "cloud_large"])
async def test_the_demo_stands_in_for_any_type_and_says_so(server: Server, kind: str) -> None:
    status, told = await ask(server.port, "POST", WHOLE, body=asked("echo Hello", model_type=kind))

    assert (status, told["content"], told["model_used"]) == (200, "Hello", "scripted")
    stands_in = f"there is no model of the type {kind}: the demo stands in"
    assert (stands_in in told["route"]["reasons"]) is (kind != "auto")
