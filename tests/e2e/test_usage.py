"""Usage and budgets of a real server with real keys."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.keyed import KEYS_MODE, Key, keys, make_key, whole
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, asking

SSE = {"Accept": "text/event-stream"}
PRICES = {"price_in": 1_000_000, "price_out": 2_000_000}


async def turn(server: Server, who: Key, text: str, **more: Any) -> list[Frame]:
    body = {"input": text, **more}
    headers = {**who.headers, **SSE}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        assert answer.status == 200, await answer.body()
        return [frame async for frame in answer.frames()]


async def usage(server: Server, who: Key, **asked: str) -> Any:
    got = await whole(server, "GET", f"/usage?{urlencode(asked)}", headers=who.headers)
    assert got.status == 200, got.body
    return json.loads(got.body)


def config(provider: Provider, **more: Any) -> dict[str, Any]:
    model = provider.model(max_attempts=1, **PRICES)
    return {**KEYS_MODE, "models": [model], **more}


async def test_each_sees_what_they_have_used_and_admins_see_all(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider)).start()
    phone = make_key(server, "--user", "ann")
    desk = make_key(server, "--user", "ann")
    bob, admin = make_key(server, "--user", "bob"), make_key(server, "--admin")
    bills = make_key(server, "--user", "ann", "--scopes", "usage:read")
    none = make_key(server, "--user", "ann", "--scopes", "chat,metrics")
    for who, count in ((phone, 3), (desk, 5), (bob, 11)):
        assert (await turn(server, who, f"words={count}"))[-1].event == "turn.completed"

    mine = await usage(server, phone, by="user,key")
    day = datetime.now(UTC)
    everybody = await usage(server, admin, by="day,user,status")

    assert {row["key"]: row["output_tokens"] for row in mine["rows"]} == {phone.id: 3, desk.id: 5}
    assert {row["user"] for row in mine["rows"]} == {"ann"}
    assert mine["totals"]["total_tokens"] == 2 * 7 + 8
    assert mine["totals"]["cost"] == 2 * 7 + 2 * 8
    assert (await usage(server, bills, by="user,key"))["rows"] == mine["rows"]
    assert {row["user"]: row["output_tokens"] for row in everybody["rows"]} == {"ann": 8, "bob": 11}
    assert {row["day"] for row in everybody["rows"]} <= {
        f"{day - timedelta(days=k):%Y-%m-%d}" for k in (0, 1)
    }
    assert (await usage(server, admin, user="bob"))["totals"]["turns"] == 1
    assert (await usage(server, admin, key=desk.id))["totals"]["output_tokens"] == 5
    assert (await usage(server, bob, key=phone.id))["totals"]["turns"] == 0
    for who, query in ((none, ""), (phone, "?user=bob")):
        got = await whole(server, "GET", f"/usage{query}", headers=who.headers)
        assert (got.status, json.loads(got.body)["code"]) == (403, "forbidden")


async def test_a_table_can_be_opened_safely_and_paged(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    model = provider.model(name="=HYPERLINK(1)", max_attempts=1)
    server = await fresh_server(config={**KEYS_MODE, "models": [model, provider.model()]}).start()
    ann = make_key(server)
    await turn(server, ann, "words=2")
    await turn(server, ann, "words=2", model="words")

    headers = {**ann.headers, "Accept": "text/csv"}
    got = await whole(server, "GET", "/usage?by=model,wire", headers=headers)
    page = await whole(server, "GET", "/usage?by=model&format=csv&limit=1", headers=ann.headers)
    rest = f"/usage?by=model&format=csv&cursor={page.headers['x-next-cursor']}"
    after = await whole(server, "GET", rest, headers=ann.headers)

    rows = list(csv.reader(io.StringIO(got.body.decode())))
    assert [row[:2] for row in rows] == [
        ["model", "wire"],
        ["'=HYPERLINK(1)", "native"],
        ["words", "native"],
    ]
    assert [page.body.count(b"\r\n"), after.body.count(b"\r\n")] == [2, 2]
    assert b"words" in after.body


async def test_a_crash_loses_neither_the_usage_nor_whose_it_was(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    turns = {"on_lost": "continue"}
    server = await fresh_server(config=config(provider, turns=turns)).start()
    ann = make_key(server, "--user", "ann", "--budget-day", "100000")
    headers, body = {**ann.headers, **SSE}, {"input": "words=60 pace_ms=20"}
    async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
        async for frame in answer.frames():
            if frame.event == "text.delta" and frame.number > 20:
                break
    server.kill9()
    await server.restart()
    events = f"/turns/{str(frame.id).partition(':')[0]}/events"
    async with (
        asking(server.port, "GET", events, headers=ann.headers) as answer,
        asyncio.timeout(30),
    ):
        frames = [frame async for frame in answer.frames()]
    told = await usage(server, ann, by="key,model,status")

    assert (frames[-1].event, answer.whole) == ("turn.completed", True)
    (row,) = told["rows"]
    assert (row["key"], row["turns"], row["estimated"]) == (ann.id, 1, 1)
    counted = [frame.data for frame in frames if frame.event == "usage.counted"]
    assert [each.get("estimated", False) for each in counted] == [True, False]
    assert row["output_tokens"] == sum(each["output_tokens"] for each in counted)
    first = counted[0]["output_tokens"]
    kept = [f.data["text"] for f in frames if f.event == "text.delta"]
    assert "".join(kept) == said(60)
    assert 15 <= first <= 60


@pytest.mark.parametrize("budget", [150, 400, 1000])
async def test_a_stream_ends_with_the_budget_of_its_key(
    provider: Provider, fresh_server: Callable[..., Server], budget: int
) -> None:
    server = await fresh_server(config=config(provider)).start()
    ann = make_key(server, "--user", "ann", "--budget-day", str(budget))
    other = make_key(server, "--user", "ann")

    frames = await turn(server, ann, "words=9000 pace_ms=1", session_id="s_1")
    told = await usage(server, ann, by="key,status")
    refused = await whole(server, "POST", "/turns", body={"input": "1"}, headers=ann.headers)
    stream = await whole(server, "POST", "/chat/stream", body={"input": "1"}, headers=ann.headers)
    kept = await whole(server, "GET", "/sessions/s_1", headers=ann.headers)

    assert frames[-1].event == "turn.failed"
    end = frames[-1].data
    assert end["code"] == "budget_exceeded"
    assert not end.get("retryable", False)
    assert "额度已用完" in end["message"]
    (row,) = told["rows"]
    assert (row["status"], row["estimated"]) == ("failed", 1)
    assert row["total_tokens"] == pytest.approx(budget, rel=0.05)
    text = "".join(frame.data["text"] for frame in frames if frame.event == "text.delta")
    assert text.rstrip() == said(row["output_tokens"]).rstrip()
    answer = json.loads(kept.body)["messages"][-1]
    assert (answer["content"], answer["incomplete"]) == (text, True)
    call = provider.calls[0]
    await until(call.closed.is_set)
    assert call.sent <= row["output_tokens"] + 100  # it was told to stop at once
    for got in (refused, stream):
        assert (got.status, json.loads(got.body)["code"]) == (429, "budget_exceeded")
        assert 1 <= int(got.headers["retry-after"]) <= 86_400
    assert len(provider.calls) == 1
    assert (await turn(server, other, "words=3"))[-1].event == "turn.completed"


async def test_budgets_of_users_and_for_all_time(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    budgets = [{"user": "ann", "cost_month": 500}, {"user": "*", "day": 100_000}]
    model = provider.model(price_in=1_000_000, price_out=1_000_000)
    server = await fresh_server(config={**KEYS_MODE, "models": [model], "budgets": budgets}).start()
    ann, anns = make_key(server, "--user", "ann"), make_key(server, "--user", "ann")
    bob = make_key(server, "--user", "bob", "--budget-total", "150")

    frames = await turn(server, ann, "words=2000 pace_ms=1")
    spent = (await usage(server, ann))["totals"]["cost"]
    assert frames[-1].data["code"] == "budget_exceeded"
    assert spent == pytest.approx(500, rel=0.05)
    refused = await whole(server, "POST", "/turns", body={"input": "1"}, headers=anns.headers)
    assert (refused.status, json.loads(refused.body)["code"]) == (429, "budget_exceeded")

    assert (await turn(server, bob, "words=900"))[-1].data["code"] == "budget_exceeded"
    refused = await whole(server, "POST", "/turns", body={"input": "1"}, headers=bob.headers)
    assert (refused.status, json.loads(refused.body)["code"]) == (403, "budget_exceeded")
    assert "retry-after" not in refused.headers
    listed = {key["id"]: key["budget"] for key in json.loads(keys(server, "list", "--json"))}
    assert (listed[bob.id]["total"], listed[ann.id]) == (150, None)


async def test_twenty_turns_at_once_overshoot_by_what_was_under_way_alone(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=config(provider)).start()
    ann = make_key(server, "--budget-day", "300")

    ends = await asyncio.gather(
        *(turn(server, ann, f"words=500 pace_ms=1 n={k}") for k in range(20)),
        return_exceptions=True,
    )
    told = (await usage(server, ann, by="status"))["totals"]
    late = await whole(server, "POST", "/turns", body={"input": "1"}, headers=ann.headers)

    begun = [end for end in ends if isinstance(end, list)]
    assert begun
    assert {frames[-1].data["code"] for frames in begun} == {"budget_exceeded"}
    assert told["turns"] == len(begun)
    assert 285 <= told["total_tokens"] <= 300 * len(begun)
    assert late.status == 429
