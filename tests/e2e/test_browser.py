"""A real browser's EventSource against a real server. Needs Chromium on the machine."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Page

from tests.e2e import chromium
from tests.e2e.provider import Provider, said
from tests.e2e.proxy import Harm, Proxy
from tests.e2e.servers import Server

pytestmark = chromium.needed

# Collects all events of one EventSource until it is told to stop, by 204, or the time is over.
FOLLOW = """
([path, kinds]) => new Promise((resolve) => {
  const seen = [];
  let errors = 0;
  const source = new EventSource(path);
  const done = () => { source.close(); resolve({seen, errors, state: source.readyState}); };
  for (const kind of kinds)
    source.addEventListener(kind, (e) =>
      seen.push({kind, id: e.lastEventId, data: JSON.parse(e.data)}));
  source.onerror = () => {
    errors += 1;
    if (source.readyState === EventSource.CLOSED) done();
  };
  setTimeout(done, 25000);
})
"""
DECODE = """
async (b64) => {
  const bytes = Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
  const context = new OfflineAudioContext(1, 48000, 48000);
  return (await context.decodeAudioData(bytes.buffer)).duration;
}
"""
KINDS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
    "audio.chunk",
    "audio.completed",
]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium.browser() as browser:
        yield await browser.new_page()


async def _follow(page: Page, origin: str, path: str) -> dict[str, Any]:
    await page.goto(f"{origin}/healthz")
    return dict(await page.evaluate(FOLLOW, [path, KINDS]))


async def test_an_event_source_reads_the_answer_reconnects_once_and_stops_at_204(
    page: Page, provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()

    got = await _follow(page, server.url, "/chat/stream?input=words%3D20")

    deltas = [e["data"]["delta"] for e in got["seen"] if e["kind"] == "response.output_text.delta"]
    assert "".join(deltas) == said(20)
    assert [e["kind"] for e in got["seen"]][-1] == "response.completed"
    assert (got["errors"], got["state"]) == (2, 2)  # the end of the stream, then the 204
    assert len(provider.calls) == 1


async def test_a_connection_lost_in_the_middle_is_resumed_by_the_browser_itself(
    page: Page, provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    # The first connection is the page's; the second, the stream's first, is cut.
    plan = iter([Harm(), Harm(after=3_000, end="rst")])

    async with Proxy(server.port, plan) as proxy:
        path = "/chat/stream?input=words%3D60%20pace_ms%3D5"
        got = await _follow(page, proxy.url, path)

    numbers = [int(e["id"].rpartition(":")[2]) for e in got["seen"]]
    assert numbers == list(range(len(numbers)))
    assert got["seen"][-1]["kind"] == "response.completed"
    assert len(provider.calls) == 1


async def test_the_silent_voice_is_audio_that_a_browser_decodes(
    page: Page, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(env={"USE_MOCK": "1", "VOICE_USE_MOCK": "1"}).start()

    got = await _follow(page, server.url, "/chat/stream?input=hello&voiceId=v1")

    chunks = [e["data"] for e in got["seen"] if e["kind"] == "audio.chunk"]
    assert all(list(chunk) == ["b64"] for chunk in chunks)
    audio = b"".join(base64.b64decode(chunk["b64"]) for chunk in chunks)
    assert await page.evaluate(DECODE, base64.b64encode(audio).decode()) > 0.4
