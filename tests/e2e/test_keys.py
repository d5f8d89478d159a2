"""Keys on a running server: the first one, revocation, tickets, limits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

from tests.e2e.keyed import KEYS_MODE, Key, keys, make_key, whole
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.wire_client import Broken, ask, asking

SSE = {"Accept": "text/event-stream"}
LONG = {"input": "words=3000 pace_ms=20"}


async def test_the_first_key_is_made_and_shown_once(fresh_server: Callable[..., Server]) -> None:
    config: dict[str, Any] = {**KEYS_MODE, "log": {"format": "json"}}
    server = await fresh_server(env={"USE_MOCK": "1"}, config=config).start()
    shown = [line for line in server.output.splitlines() if line.startswith("tw_first_")]
    (text,) = shown
    first = Key("first", text)

    status, listed = await ask(server.port, "GET", "/prompts", headers=first.headers)
    assert (status, bool(listed["prompts"])) == (200, True)
    server.terminate()
    await server.restart()

    assert server.output.count(text.rpartition("_")[2]) == 1
    assert (await whole(server, "GET", "/prompts", headers=first.headers)).status == 200
    keys(server, "revoke", "first")
    server.terminate()
    await server.restart()
    assert server.output.count("tw_first_") == 1


async def test_a_revoked_keys_stream_is_cut_and_its_turn_goes_on(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={**KEYS_MODE, "models": [provider.model()]}).start()
    lost = make_key(server, "--user", "ann")
    kept = make_key(server, "--user", "ann")
    body = {"input": "words=400 pace_ms=25"}
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(
                asking(server.port, "POST", "/turns", body=body, headers={**who.headers, **SSE})
            )
            for who in (lost, kept)
        ]
        frames, others = one.frames(), other.frames()
        last = await anext(frames)
        keys(server, "revoke", lost.id)
        began = time.monotonic()
        with suppress(Broken, ConnectionError):
            async for frame in frames:
                last = frame
        took = time.monotonic() - began
        await anext(others)

        resume = {"Last-Event-ID": str(last.id)}
        path = f"/turns/{str(last.id).partition(':')[0]}/events"
        again = await whole(server, "GET", path, headers={**lost.headers, **resume})
        assert again.status == 401
        async with (
            asking(server.port, "GET", path, headers={**kept.headers, **resume}) as rest,
            asyncio.timeout(30),
        ):
            seen = [frame async for frame in rest.frames()]
        assert rest.whole
        async with asyncio.timeout(30):
            await asyncio.gather(*[_to_the_end(others)])

    assert took < 5
    assert seen[0].number == last.number + 1
    assert seen[-1].event == "turn.completed"
    assert not one.whole
    assert other.whole


async def _to_the_end(frames: Any) -> None:
    async for _ in frames:
        pass


async def test_a_ticket_opens_one_stream_on_each_get_that_streams(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={**KEYS_MODE, "models": [provider.model()]}).start()
    ann, bob = make_key(server), make_key(server)

    async def ticket(who: Key) -> str:
        status, issued = await ask(server.port, "POST", "/tickets", headers=who.headers)
        assert (status, issued["expires_in"]) == (201, 60)
        return str(issued["ticket"])

    spent = await ticket(ann)
    async with asking(server.port, "GET", f"/chat/stream?input=words=3&ticket={spent}") as answer:
        frames = [frame async for frame in answer.frames()]
    turn_id = answer.headers["x-turn-id"]
    assert answer.status == 200
    assert frames[-1].event == "response.completed"
    assert len(provider.calls) == 1

    events = f"/turns/{turn_id}/events"
    assert (await whole(server, "GET", f"{events}?ticket={spent}")).status == 401
    assert (await whole(server, "GET", f"{events}?ticket={await ticket(bob)}")).status == 404
    assert (
        await whole(server, "GET", f"/turns/{turn_id}?ticket={await ticket(ann)}")
    ).status == 401
    assert (await whole(server, "GET", f"{events}?ticket={await ticket(ann)}")).status == 200
    racing = await ticket(ann)
    answers = await asyncio.gather(
        *(whole(server, "GET", f"{events}?ticket={racing}") for _ in range(8))
    )
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7
    assert spent not in server.output


async def test_limits_are_told_before_a_stream_begins_and_cost_no_turn(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    config = {**KEYS_MODE, "models": [provider.model()], "limits": {"streams": 2}}
    server = await fresh_server(config=config).start()
    ann = make_key(server)
    hasty = make_key(server, "--rpm", "2")
    for path in ("/turns", "/chat/stream"):
        async with AsyncExitStack() as stack:
            answers = await asyncio.gather(
                *(
                    stack.enter_async_context(
                        asking(server.port, "POST", path, body=LONG, headers={**ann.headers, **SSE})
                    )
                    for _ in range(6)
                )
            )
            begun = sum(call.prompt == LONG["input"] for call in provider.calls)
            assert sorted(a.status for a in answers) == [200, 200, 429, 429, 429, 429]
            refused = next(a for a in answers if a.status == 429)
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["content-type"] == "application/problem+json"
            assert (await refused.json())["code"] == "rate_limited"
            assert begun <= 2 * (1 + ("chat" in path))
        await _room_again(server, ann)

    asked = [await whole(server, "GET", "/prompts", headers=hasty.headers) for _ in range(3)]
    assert [each.status for each in asked] == [200, 200, 429]
    assert int(asked[2].headers["retry-after"]) >= 1
    assert json.loads(asked[2].body)["retryable"] is True


async def _room_again(server: Server, who: Key) -> None:
    """Streams that were closed are counted no more."""
    async with asyncio.timeout(10):
        while True:
            async with asking(
                server.port,
                "POST",
                "/turns",
                body={"input": "words=1"},
                headers={**who.headers, **SSE},
            ) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def test_an_open_stream_is_complete_with_a_key(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={**KEYS_MODE, "models": [provider.model()]}).start()
    ann = make_key(server)
    async with asking(
        server.port, "POST", "/turns", body={"input": "words=40"}, headers={**ann.headers, **SSE}
    ) as answer:
        frames = [frame async for frame in answer.frames()]

    assert "".join(f.data["text"] for f in frames if f.event == "text.delta") == said(40)
    assert answer.whole
