"""The help-desk widget in a real browser, held to what is true of it always: nothing on its console
and no request to anywhere but its own server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import ConsoleMessage, Locator, Page, expect

from tests.e2e import chromium
from tests.examples.support_stand_in import WIDGET

expect.set_options(timeout=15_000)  # the machine may be busy
# What the browser itself says of a request that failed; no script can prevent it.
_FAILED_REQUEST = "Failed to load resource"
# Every chunk of every body is handed on in pieces of one byte.
BYTE_BY_BYTE = """
const whole = window.fetch;
window.fetch = async (...given) => {
  const answer = await whole(...given);
  const drip = new TransformStream({
    transform(chunk, out) { for (const byte of chunk) out.enqueue(Uint8Array.of(byte)); },
  });
  return new Response(answer.body.pipeThrough(drip), answer);
};
"""


@asynccontextmanager
async def widget(
    url: str, locale: str = "zh-CN", *, first: str = "", failing: bool = False, **context: Any
) -> AsyncIterator[Page]:
    """The page at `url`, its panel closed. `first` is a script that runs before the page's own;
    with `failing` requests may fail.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if not (failing and message.text.startswith(_FAILED_REQUEST)):
            complaints.append(message.text)

    async with chromium.browser() as browser:
        opened = await browser.new_context(locale=locale, **context)
        page = await opened.new_page()
        page.set_default_timeout(20_000)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.extend(_elsewhere(asked.url, url)))
        if first:
            await page.add_init_script(first)
        await page.goto(url)
        yield page
        assert complaints == []


def _elsewhere(asked: str, own: str) -> list[str]:
    return [] if asked.startswith((own, "data:")) else [asked]


@asynccontextmanager
async def served(server_url: str) -> AsyncIterator[str]:
    """Where the example's own server serves the widget for this Talkwire."""
    serving = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WIDGET / "serve.py"),
        "--server",
        server_url,
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert serving.stdout is not None
        yield (await asyncio.wait_for(serving.stdout.readline(), 20)).decode().strip()
    finally:
        serving.kill()
        await serving.wait()


async def open_panel(page: Page) -> None:
    await page.click("#launcher")
    await expect(page.locator("#text")).to_be_focused()


async def say(page: Page, text: str) -> Locator:
    """Sends it; the answer, which is not there yet."""
    answers = page.locator(".answer")
    before = await answers.count()
    await page.fill("#text", text)
    await page.press("#text", "Enter")
    return answers.nth(before)


async def ended(page: Page) -> None:
    """Waits until nothing is answered any more."""
    await expect(page.locator("#send.works")).to_have_count(0, timeout=20_000)
