"""Turns as traces at a collector: every kind of turn is the tree that its events tell of.

The server is in this process, but for the one that is killed; model and collector are behind real
sockets. No text of anybody is in what is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from talkwire.app import build
from talkwire.settings import Settings
from tests.e2e.collector import Collector, Span
from tests.e2e.provider import Provider
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CANARY = "canaryb3f1"
SERVER, CLIENT = 2, 3  # kinds of spans
LARGE = "chat large"
TURN = "invoke_agent assistant"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as running:
        yield running


@asynccontextmanager
async def served(
    folder: Path, provider: Provider, collector: Collector, **more: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server whose traces go to the collector as soon as its lifespan ends."""
    given: dict[str, Any] = {
        "data_dir": folder,
        "models": [provider.model(name="large", max_attempts=2)],
        "traces": {"endpoint": collector.url, "headers": {"x-tenant": "acme"}},
        "tools": {"builtin": {"calculator": True}},
    }
    app = build(Settings.model_validate(given | more))
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


async def turn(client: httpx2.AsyncClient, text: str, **headers: str) -> str:
    """The id of a turn that is over."""
    headers = {"accept": "application/json", **headers}
    answer = await client.post("/turns", json={"input": text}, headers=headers)
    turn_id = str(answer.json()["turn_id"])
    await client.get(f"/turns/{turn_id}/events")
    return turn_id


async def traced(
    folder: Path,
    provider: Provider,
    collector: Collector,
    text: str,
    *,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Span:
    async with served(folder, provider, collector, **more) as client:
        turn_id = await turn(client, f"{text} {CANARY}", **(headers or {}))
    found = await collector.tree(turn_id)
    for span in found.below():
        assert span.trace_id == found.trace_id
        assert found.began <= span.began <= span.ended <= found.ended
    assert CANARY.encode() not in collector.raw
    return found


async def test_a_plain_turn_is_a_call_of_a_model(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    found = await traced(tmp_path, provider, collector, "words=5")

    assert found.shape == (TURN, [LARGE])
    assert found.parent_id == ""
    assert (found.kind, found.children[0].kind) == (SERVER, CLIENT)
    assert found.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert found.attributes["gen_ai.conversation.id"].startswith("s_")
    assert found.attributes["talkwire.turn.status"] == "completed"
    call = found.children[0].attributes
    assert call["gen_ai.provider.name"] == "openai"
    assert call["gen_ai.request.model"] == "large"
    assert (call["gen_ai.usage.input_tokens"], call["gen_ai.usage.output_tokens"]) == (7, 5)
    assert call["gen_ai.response.finish_reasons"] == ["stop"]
    assert call["gen_ai.response.time_to_first_chunk"] >= 0
    assert [name for name, _ in found.children[0].events] == ["talkwire.first_token"]
    assert "x-tenant: acme" in collector.heads[0].lower()
    assert collector.resources[0]["service.name"] == "talkwire"


async def test_the_span_of_the_caller_is_the_parent(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    headers = {"traceparent": CALLER}
    found = await traced(tmp_path, provider, collector, "words=1", headers=headers)

    assert [found.trace_id, found.parent_id] == CALLER.split("-")[1:3]


async def test_who_has_decided_against_a_trace_has_none(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    async with served(tmp_path, provider, collector) as client:
        await turn(client, "words=1", traceparent=CALLER[:-2] + "00")
        kept = await turn(client, "words=1")

    await collector.tree(kept)
    assert {span.attributes.get("talkwire.turn.id") for span in collector.spans} == {kept, None}


async def test_tools_are_below_the_call_that_asked_for_them(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    text = 'words=3 tool=calculator args={"expression":"6*7"}'
    found = await traced(tmp_path, provider, collector, text)

    assert found.shape == (TURN, [(LARGE, ["execute_tool calculator"]), LARGE])
    asked, answered = found.children
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    (tool,) = asked.children
    assert tool.attributes["gen_ai.tool.name"] == "calculator"
    assert tool.attributes["gen_ai.tool.call.id"]
    assert (tool.error, answered.error) == ("", "")


async def test_a_tool_that_fails_says_so(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    found = await traced(tmp_path, provider, collector, "words=1 tool=nobody")

    (tool,) = found.children[0].children
    assert (tool.error, tool.attributes["error.type"]) == ("tool_error", "tool_error")
    assert found.error == ""


async def test_an_attempt_that_failed_is_an_event_of_its_call(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    found = await traced(tmp_path, provider, collector, "words=2 fails=1")

    (call,) = found.children
    (name, told), _first = call.events
    assert (name, told["talkwire.attempt"]) == ("talkwire.attempt_failed", 1)
    assert (call.error, found.error) == ("", "")


async def test_a_failure_is_an_error_of_the_call_and_of_the_turn(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    found = await traced(tmp_path, provider, collector, "words=2 fails=9")

    assert found.shape == (TURN, [LARGE])
    assert (found.error, found.children[0].error) == 2 * ("upstream_unavailable",)
    assert found.attributes["talkwire.turn.status"] == "failed"


async def test_an_answer_that_is_taken_over_is_two_calls(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    ill = provider.model(
        name="ill", upstream_model="words-1 fails=99", max_attempts=1, fallbacks=["large"]
    )
    well = provider.model(name="large")
    found = await traced(tmp_path, provider, collector, "words=2", models=[ill, well])

    assert found.shape == (TURN, ["chat ill", LARGE])
    assert [each.error for each in found.children] == ["upstream_unavailable", ""]
    assert found.error == ""


async def test_an_abort_ends_what_is_under_way_and_is_no_error(
    tmp_path: Path, provider: Provider, collector: Collector
) -> None:
    async with served(tmp_path, provider, collector) as client:
        answer = await client.post(
            "/turns",
            json={"input": "words=2 then=stall"},
            headers={"accept": "application/json"},
        )
        turn_id = answer.json()["turn_id"]
        await until(lambda: provider.calls and provider.calls[0].sent == 2)
        await client.post(f"/turns/{turn_id}/abort")
    found = await collector.tree(turn_id)

    assert found.shape == (TURN, [LARGE])
    assert (found.error, found.children[0].error) == ("", "")
    assert found.attributes["talkwire.turn.status"] == "aborted"
    assert found.attributes["talkwire.turn.aborted_by"] == "client"


async def test_who_takes_a_turn_over_tells_of_all_of_it(
    provider: Provider, collector: Collector, fresh_server: Callable[..., Server]
) -> None:
    config = {
        "models": [provider.model(name="large", continuation="prefill")],
        "traces": {"endpoint": collector.url},
    }
    env = {"OTEL_SERVICE_NAME": "chat-a"}
    server = await fresh_server(config=config, env=env).start()
    headers = {"Accept": "application/json", "traceparent": CALLER}
    body = {"input": "words=30 pace_ms=40"}
    _, told = await ask(server.port, "POST", "/turns", body=body, headers=headers)
    turn_id = str(told["turn_id"])
    await until(lambda: provider.calls and provider.calls[0].sent >= 5)
    server.kill9()
    await server.restart()

    found = await collector.tree(turn_id, within_s=30)
    assert found.shape == (TURN, [LARGE, LARGE])
    assert [each.error for each in found.children] == ["worker_lost", ""]
    assert found.attributes["talkwire.turn.adoptions"] == 1
    assert found.attributes["talkwire.turn.status"] == "completed"
    assert found.trace_id == CALLER.split("-")[1]
    assert collector.resources[0]["service.name"] == "chat-a"


async def test_a_collector_that_refuses_hinders_nobody_and_is_told_once(
    tmp_path: Path, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ""

    def dropped() -> bool:
        nonlocal said
        said += "".join(capsys.readouterr())
        return "traces.dropped" in said

    async with Collector(status=400) as refusing:
        async with served(tmp_path, provider, refusing) as client:
            for _ in range(2):
                turn_id = await turn(client, "words=1")
                told = await client.get(f"/turns/{turn_id}")
                assert told.json()["status"] == "completed"
            await until(dropped)
            figures = (await client.get("/metrics")).text
            await turn(client, "words=1")
        assert len(refusing.heads) >= 2

    dropped()
    assert said.count("traces.dropped") == 1
    assert 'talkwire_trace_spans_total{outcome="dropped"} ' in figures
