"""The front end's client under Node, against a real server: chat.js as it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.keyed import KEYS_MODE, make_key
from tests.e2e.provider import Provider, said
from tests.e2e.proxy import Harm, Proxy
from tests.e2e.servers import Server
from tests.examples.front_end import drive, with_tools

Start = Callable[..., Server]


@pytest.fixture
def config(provider: Provider, tmp_path: Path) -> dict[str, Any]:
    return {"models": [provider.model()], **with_tools(tmp_path)}


def of(kind: str, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["data"] for each in told if each.get("type") == kind]


async def test_an_answer_comes_in_pieces_with_a_tool_at_work(
    config: dict[str, Any], fresh_server: Start
) -> None:
    server = await fresh_server(config=config).start()

    told = await drive(base=server.url, say='words=3 pace_ms=5 tool=count args={"to":3}', list=True)

    assert {tool["name"] for tool in told[0]["tools"]} == {"count", "erase", "hang"}
    (called,) = of("tool_call", told)
    assert (called["tool_name"], called["arguments"]) == ("count", {"to": 3})
    heard = "".join(each["content"] for each in of("tool_stream_chunk", told))
    assert heard == "number 0\nnumber 1\nnumber 2\n"
    assert of("tool_result", told)[0]["result"] == heard
    assert "".join(each["content"] for each in of("chunk", told)) == said(3)
    assert told[-1]["data"]["message"]["finish_reason"] == "stop"


@pytest.mark.parametrize(("approve", "result"), [(True, "it is gone"), (False, "because")])
async def test_a_person_decides_and_the_answer_goes_on(
    config: dict[str, Any], fresh_server: Start, approve: bool, result: str
) -> None:
    server = await fresh_server(config=config).start()

    told = await drive(
        base=server.url, say='words=3 tool=erase args={"what":"it"}', approve=approve
    )

    ends = [each["message"]["finish_reason"] for each in of("complete", told)]
    assert ends == ["approval_required", "stop"]
    assert result in of("tool_result", told)[0]["result"]


async def test_an_abort_stops_a_tool_and_the_stream_ends_with_what_was_said(
    config: dict[str, Any], fresh_server: Start
) -> None:
    server = await fresh_server(config=config).start()

    told = await drive(base=server.url, say="words=3 tool=hang", abortAfter=2)

    assert told[-1]["data"]["message"]["finish_reason"] == "aborted"
    assert len(next(each for each in told if "aborted" in each)["aborted"]) == 1


async def test_a_stream_that_is_cut_is_taken_up_and_nothing_is_asked_twice(
    config: dict[str, Any], fresh_server: Start, provider: Provider
) -> None:
    server = await fresh_server(config=config).start()

    cuts = iter([Harm(after=1500), Harm(after=3000, end="rst")])

    async with Proxy(server.port, cuts) as proxy:
        told = await drive(base=proxy.url, say="words=60 pace_ms=5")

    assert "".join(each["content"] for each in of("chunk", told)) == said(60)
    assert len(of("complete", told)) == 1
    assert proxy.harmed == 2
    assert len(provider.calls) == 1


async def test_a_context_of_one_s_own_is_answered(
    config: dict[str, Any], fresh_server: Start
) -> None:
    server = await fresh_server(config=config).start()

    told = await drive(base=server.url, direct=[{"role": "user", "content": "words=2"}])

    assert told[-1]["data"]["message"]["content"] == said(2)


async def test_without_the_key_it_is_refused_and_with_it_not(
    config: dict[str, Any], fresh_server: Start
) -> None:
    server = await fresh_server(config={**config, **KEYS_MODE}).start()
    key = make_key(server)

    refused = await drive(base=server.url, say="words=2")
    told = await drive(base=server.url, say="words=2", key=key.text)

    assert refused == [{"refused": "unauthorized", "status": 401}]
    assert told[-1]["type"] == "complete"
