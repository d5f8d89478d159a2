"""The wire of help desks, with the clients that are in the field."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page

from tests.desk import STATUS
from tests.e2e import chromium
from tests.e2e.provider import Provider, said
from tests.e2e.proxy import Harm, Proxy, random_cuts
from tests.e2e.servers import Server
from tests.e2e.support import (
    PATH,
    SLOW,
    blocks,
    check_whole,
    read_as_documented,
    told,
    with_desk,
)
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking
from tests.examples.front_end import NODE

BEATING: dict[str, Any] = {"streams": {"heartbeat_s": 1}}
FETCH = Path(__file__).with_name("fetch_client.mjs")
# As a widget does it: every message is parsed, and the one that is done closes the source.
FOLLOW = """
([path, close]) => new Promise((resolve) => {
  const seen = [];
  let errors = 0, others = 0;
  const source = new EventSource(path);
  const done = () => { source.close(); resolve({seen, errors, others}); };
  source.onmessage = (e) => {
    const data = JSON.parse(e.data);
    seen.push({id: e.lastEventId, data});
    if (close && data.done) done();
  };
  source.onerror = () => {
    errors += 1;
    if (source.readyState === EventSource.CLOSED) done();
  };
  setTimeout(done, 25000);
})
"""

Fresh = Callable[..., Server]


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"user_query": text, **more}


async def post(server: Server, body: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asking(server.port, "POST", PATH, body=body, headers=given) as answer:
        assert answer.status == 200, await answer.body()
        found = await blocks(answer)
    assert all(block.startswith(b"data: {") and b"\n" not in block for block in found)
    return [told(block) for block in found]


async def test_the_documented_requests_client_reads_a_slow_answer(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider, **BEATING)).start()

    body = asked(SLOW, thread_id="requests", context={"order": 7})
    seen = await asyncio.to_thread(read_as_documented, server.url + PATH, body)

    check_whole(seen)
    assert {each["thread_id"] for each in seen} == {"requests"}


async def test_a_fetch_client_that_parses_every_line_reads_a_slow_answer(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider, **BEATING)).start()

    node = await asyncio.create_subprocess_exec(
        *(str(NODE), str(FETCH), server.url + PATH, json.dumps(asked(SLOW))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, errors = await node.communicate()

    assert node.returncode == 0, errors.decode()
    check_whole(json.loads(out))


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium.browser() as browser:
        yield await browser.new_page()


async def _follow(page: Page, origin: str, query: str, *, close: bool) -> dict[str, Any]:
    await page.goto(f"{origin}/healthz")
    return dict(await page.evaluate(FOLLOW, [f"{PATH}?{query}", close]))


@chromium.needed
@pytest.mark.parametrize("close", [True, False])
async def test_an_event_source_reads_a_slow_answer_with_onmessage_alone(
    page: Page, provider: Provider, fresh_server: Fresh, close: bool
) -> None:
    server = await fresh_server(**with_desk(provider, **BEATING)).start()

    got = await _follow(page, server.url, urlencode(asked(SLOW)), close=close)

    check_whole([each["data"] for each in got["seen"]])
    assert got["errors"] == (0 if close else 2)  # the end of the stream, then the 204
    assert len(provider.calls) == 1
    turn_id = got["seen"][0]["id"].partition(":")[0]
    words = [each["id"] for each in got["seen"] if each["data"].get("response") != ""]
    assert words == [f"{turn_id}:{n}" for n in range(1, 5)]


@chromium.needed
async def test_a_browser_that_loses_its_connection_goes_on_by_itself(
    page: Page, provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    plan = iter([Harm(), Harm(after=3_000, end="rst")])  # the page's connection, then the stream's

    async with Proxy(server.port, plan) as proxy:
        query = urlencode(asked("words=60 pace_ms=5"))
        got = await _follow(page, proxy.url, query, close=True)

    check_whole([each["data"] for each in got["seen"]], 60, beats=False)
    assert len(provider.calls) == 1


async def _event_source(port: int, path: str) -> list[bytes]:
    """As a browser does it: the same GET again and again, with the last id seen, until 204."""
    found: list[bytes] = []
    last = ""
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        try:
            async with asking(port, "GET", path, headers=headers) as answer:
                if answer.status == 204:
                    return found
                held = b""
                async for piece in answer.pieces():
                    held += piece
                    *whole, held = held.split(b"\n\n")
                    found += whole
                    for block in whole:
                        last = block.partition(b"\n")[0].removeprefix(b"id: ").decode()
        except OSError:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("cuts", "least"), [(20, 2_000), (10, 60)], ids=["in it", "before it"])
async def test_lost_connections_cost_one_model_call_and_no_frame(
    provider: Provider, fresh_server: Fresh, cuts: int, least: int
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    path = f"{PATH}?" + urlencode(asked("words=150 pace_ms=5", thread_id="cut"))

    async with asyncio.timeout(40), Proxy(server.port, random_cuts(7, cuts, least)) as proxy:
        found = await _event_source(proxy.port, path)

    assert proxy.harmed == cuts
    assert len(provider.calls) == 1
    begin, *rest = found
    turn_id = begin.removeprefix(b"id: ").removesuffix(b":0")
    assert [block.partition(b"\n")[0] for block in rest] == [
        b"id: %s:%d" % (turn_id, n) for n in range(1, len(rest) + 1)
    ]
    check_whole([told(block) for block in rest], 150, beats=False)


async def test_the_first_block_is_an_id_alone_and_comes_before_the_model_is_asked(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider, **BEATING)).start()
    path = f"{PATH}?" + urlencode(asked("words=0 then=stall"))

    async with asking(server.port, "GET", path) as answer, asyncio.timeout(10):
        held = b""
        async for piece in answer.pieces():
            held += piece
            if held.count(b"\n\n") >= 3:
                break
        turn_id = answer.headers["x-turn-id"]
        headers = {name: answer.headers[name] for name in ("cache-control", "x-accel-buffering")}

    begin, first, second = held.split(b"\n\n")[:3]
    assert begin == f"id: {turn_id}:0".encode()
    assert first.startswith(b"data: {")
    assert told(first)["response"] == told(second)["response"] == ""
    assert headers == {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


async def test_every_frame_can_be_resumed_from_on_either_method(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    path = f"{PATH}?" + urlencode(asked("words=4"))
    async with asking(server.port, "GET", path) as answer:
        whole = await blocks(answer)
    turn_id = answer.headers["x-turn-id"]

    for n in range(len(whole)):
        cursor = {"Last-Event-ID": f"{turn_id}:{n}"}
        for method in ("GET", "POST"):
            async with asking(server.port, method, PATH, headers=cursor) as answer:
                rest = await blocks(answer)
            lines = [block.partition(b"\n")[2] for block in whole[n + 1 :]]
            assert rest == (whole[n + 1 :] if method == "GET" else lines)
            assert answer.status == (200 if rest else 204)
    assert len(provider.calls) == 1


async def test_a_whole_answer_is_what_the_stream_says(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    body = asked("whole words=5 pace_ms=20", thread_id="whole", context={"order": "A-7"})
    key = {"Idempotency-Key": "k1"}

    answers = [
        await ask(server.port, "POST", "/chat", body=body, headers=key, within_s=20)
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert answers[0] == (
        200,
        {
            "response": said(5),
            "category": "Withdrawals",
            "subcategory": STATUS,
            "thread_id": "whole",
            "confidence": 0.95,
            "related_subcategories": ["2 Fees"],
            "sop_references": ["withdrawals.md"],
        },
    )
    (call,) = provider.called("whole")
    instructions = str(call.body["messages"][0]["content"])
    assert "help desk" in instructions
    assert f"Scenario: {STATUS}" in instructions
    assert 'Facts: {"order":"A-7"}' in instructions
    assert "tools" not in call.body


async def test_what_is_said_without_a_model_is_streamed_too(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()

    *pieces, end = await post(server, asked("Hm?"))

    text = "".join(each["response"] for each in pieces)
    assert text.startswith("Which one do you mean?")
    assert len(pieces) == 3
    assert (pieces[0]["category"], pieces[0]["subcategory"]) == ("", "")
    assert end["related_subcategories"] == [STATUS, "Locked"]
    assert provider.calls == []


async def test_a_conversation_goes_on_and_a_scenario_can_be_pinned(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    first = await post(server, asked("first words=2"))
    thread_id = first[-1]["thread_id"]

    pinned = await post(server, asked("second words=1", thread_id=thread_id, subcategory="Locked"))

    assert pinned[-1]["thread_id"] == thread_id
    assert (pinned[0]["category"], pinned[0]["subcategory"]) == ("Account", "Locked")
    assert "first" in str(provider.called("second")[0].body)


@pytest.mark.parametrize("path", [PATH, "/chat"])
async def test_a_model_that_fails_is_told_in_words(
    provider: Provider, fresh_server: Fresh, path: str
) -> None:
    model = provider.model(max_attempts=1)
    config = {**with_desk(provider), "config": {"models": [model]}}
    server = await fresh_server(**config).start()
    body = asked("words=1 then=429", thread_id="fails")

    if path == "/chat":
        status, problem = await ask(server.port, "POST", path, body=body)
        assert (status, problem["code"]) == (429, "upstream_rate_limited")
        return
    (end,) = await post(server, body)
    assert end == {
        "error": end["error"],
        "code": "upstream_rate_limited",
        "done": True,
        "thread_id": "fails",
    }


async def test_an_abort_ends_both_kinds_of_answers_with_what_was_said(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(**with_desk(provider)).start()
    text = "words=5000 pace_ms=5"
    stream = asyncio.create_task(post(server, asked(text, thread_id="a")))
    body = asked(text, thread_id="b")
    whole = asyncio.create_task(ask(server.port, "POST", "/chat", body=body, within_s=20))
    await until(lambda: len(provider.calls) == 2 and all(call.sent > 5 for call in provider.calls))

    for session_id in ("a", "b"):
        aborted = {"session_id": session_id}
        await ask(server.port, "POST", "/api/chat/abort", body=aborted)

    *pieces, end = await stream
    status, answer = await whole
    assert (end["done"], end["finish_reason"]) == (True, "aborted")
    assert "".join(each["response"] for each in pieces).startswith(said(5))
    assert (status, answer["finish_reason"]) == (200, "aborted")
    assert answer["response"].startswith(said(5))


async def test_a_client_that_left_before_the_whole_answer_is_no_reader_any_more(
    provider: Provider, fresh_server: Fresh
) -> None:
    leaving = {"turns": {"on_disconnect": "abort", "disconnect_grace_s": 0.1}}
    server = await fresh_server(**with_desk(provider, **leaving)).start()
    body = asked("words=5000 pace_ms=5")
    waiting = asyncio.create_task(ask(server.port, "POST", "/chat", body=body, within_s=20))
    await until(lambda: provider.calls and provider.calls[0].sent > 5)

    waiting.cancel()

    await asyncio.wait_for(provider.calls[0].closed.wait(), 5)


@pytest.mark.parametrize(
    ("text", "subcategory"),
    [("提现到哪了", "1 提现状态查询 Flow"), ("where is my withdrawal?", "1 提现状态查询 Flow")],
)
async def test_the_catalogue_that_comes_along_answers_in_both_languages(
    server: Server, text: str, subcategory: str
) -> None:
    whole = await ask(server.port, "POST", "/chat", body=asked(text))
    stream = await asyncio.to_thread(read_as_documented, server.url + PATH, asked(text))
    health = await ask(server.port, "GET", "/health")
    listed = await ask(server.port, "GET", "/scenarios")

    assert (whole[0], whole[1]["subcategory"]) == (200, subcategory)
    assert "".join(each["response"] for each in stream[:-1]) == whole[1]["response"]
    assert {each["subcategory"] for each in stream[:-1]} == {subcategory}
    assert (health[1]["status"], health[1]["scenarios_loaded"]) == ("ok", True)
    assert health[1]["total_scenarios"] == sum(map(len, listed[1]["categories"].values()))
    assert listed[1]["total_categories"] == len(listed[1]["categories"]) >= 13


async def test_a_bad_catalogue_is_told_and_mended_without_a_restart(
    fresh_server: Fresh, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text("{")
    config = {"scenarios": {"path": str(catalogue), "reload_s": 0.2}}
    server = await fresh_server(env={"USE_MOCK": "1"}, config=config).start()
    broken = await ask(server.port, "GET", "/health")
    refused = await ask(server.port, "POST", "/chat", body=asked("where is my withdrawal?"))

    sample = files("talkwire.scenarios") / "sample"
    shutil.copytree(str(sample), tmp_path, dirs_exist_ok=True)
    for _ in range(200):
        if (await ask(server.port, "GET", "/health"))[1]["status"] == "ok":
            break
        await asyncio.sleep(0.1)
    mended = await ask(server.port, "POST", "/chat", body=asked("where is my withdrawal?"))

    assert (broken[0], broken[1]["status"], broken[1]["total_scenarios"]) == (200, "degraded", 0)
    assert "catalogue.json" in broken[1]["degraded"]["scenarios"]
    assert (refused[0], refused[1]["code"]) == (503, "unavailable")
    assert mended[0] == 200
