from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.e2e.kept import messages, text_of
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.e2e.wire_client import Frame, asking

TERMINALS = {"turn.completed", "turn.failed", "turn.aborted"}
# What the provider is told to do: the code of the failure, and how many words came before.
CASES = {
    "words=3 then=stall": ("upstream_timeout", 3),
    "words=0 then=stall": ("upstream_timeout", 0),
    "words=3 then=cut": ("upstream_incomplete", 3),
    "words=3 then=garbage": ("upstream_invalid", 3),
    "fails=99 how=429": ("upstream_rate_limited", 0),
    "fails=99 how=500": ("upstream_unavailable", 0),
    "fails=99 how=html": ("upstream_invalid", 0),
}
SLOW = "words=100000 pace_ms=20"


async def _frames(server: Server, prompt: str, path: str = "/turns") -> list[Frame]:
    headers = {"Accept": "text/event-stream"}
    async with asking(server.port, "POST", path, body={"input": prompt}, headers=headers) as answer:
        return [frame async for frame in answer.frames()]


def _config(provider: Provider, **turns: Any) -> dict[str, Any]:
    model = provider.model(first_token_timeout_s=1, idle_timeout_s=0.7, max_attempts=2)
    return {"models": [model], "turns": turns}


async def test_each_upstream_fault_is_one_failure_that_keeps_what_was_said(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=_config(provider)).start()

    async with asyncio.timeout(40):
        runs = await asyncio.gather(*[_frames(server, prompt) for prompt in CASES])

    for (prompt, (code, words)), frames in zip(CASES.items(), runs, strict=True):
        ends = [f for f in frames if f.event in TERMINALS]
        assert [(f.event, f.data["code"]) for f in ends] == [("turn.failed", code)], prompt
        assert frames[-1] is ends[0], prompt
        shown = "".join(f.data["text"] for f in frames if f.event == "text.delta")
        kept = messages(server.data_dir, frames[0].data["turn_id"])[-1]
        assert shown == text_of(kept) == said(words), prompt
        assert (kept["role"], kept["incomplete"]) == ("assistant", True), prompt
        # Nothing of what the provider said, nor the key, is told to the client.
        assert not any(b"canary" in f.raw or b"secret" in f.raw for f in frames), prompt
    assert "sk-canary" not in server.output


async def test_the_responses_wire_tells_it_by_an_error_and_a_failed_response(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=_config(provider)).start()

    async with asyncio.timeout(40):
        runs = await asyncio.gather(*[_frames(server, p, "/chat/stream") for p in CASES])

    for (prompt, (code, _)), frames in zip(CASES.items(), runs, strict=True):
        error, failed = frames[-2:]
        assert (error.event, error.data["code"]) == ("error", code), prompt
        assert failed.event == "response.failed", prompt
        assert failed.data["response"]["error"]["code"] == code, prompt
        assert [f.event for f in frames].count("response.failed") == 1, prompt


async def test_failed_attempts_before_the_first_token_are_told_and_repeated(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=_config(provider)).start()

    frames = await _frames(server, "words=4 fails=1 how=500")

    kinds = [f.event for f in frames]
    assert kinds.count("attempt.failed") == 1
    assert kinds[-1] == "turn.completed"
    assert len(provider.calls) == 2


async def test_an_upstream_that_drips_for_ever_is_ended_by_the_turns_own_limit(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config=_config(provider, max_turn_s=1.5)).start()

    async with asyncio.timeout(15):
        frames = await _frames(server, SLOW)
        await asyncio.wait_for(provider.calls[0].closed.wait(), 2)

    ends = [f.event for f in frames if f.event in TERMINALS]
    shown = "".join(f.data["text"] for f in frames if f.event == "text.delta")
    kept = messages(server.data_dir, frames[0].data["turn_id"])[-1]
    assert ends == ["turn.failed"]
    assert shown == text_of(kept) == said(shown.count(" "))
    assert len(shown) > 20
    assert kept["incomplete"] is True
