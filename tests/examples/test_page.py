"""The front end's page in a real browser, served by its own small server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect

from tests.e2e import chromium
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server
from tests.examples.front_end import FRONT_END, with_tools

pytestmark = chromium.needed


@asynccontextmanager
async def page_of(server: Server, language: str) -> AsyncIterator[Page]:
    """The page, open; nothing on its console when the block ends."""
    serving = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FRONT_END / "serve.py"),
        "--server",
        server.url,
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert serving.stdout is not None
        url = (await asyncio.wait_for(serving.stdout.readline(), 20)).decode().strip()
        async with chromium.browser() as browser:
            page = await browser.new_page(locale=language)
            page.set_default_timeout(20_000)
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            yield page
            assert complaints == []
    finally:
        serving.kill()
        await serving.wait()


async def say(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.press("#text", "Enter")


async def test_a_tool_is_seen_at_work_and_one_is_asked_about(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    config = {"models": [provider.model()], **with_tools(tmp_path)}
    server = await fresh_server(config=config).start()

    async with page_of(server, "zh-CN") as page:
        await expect(page.locator("#tools")).to_have_text("count, erase, hang")
        await say(page, 'words=3 tool=count args={"to":3}')
        await expect(page.locator(".tool .output")).to_have_text("number 0\nnumber 1\nnumber 2\n")
        await expect(page.locator(".tool .state")).to_have_text("完成")
        await expect(page.locator(".answer").last).to_have_text(said(3))

        await say(page, 'words=4 tool=erase args={"what":"it"}')
        await page.get_by_role("button", name="批准").click()
        await expect(page.locator(".tool .output").last).to_have_text("it is gone")
        await expect(page.locator(".answer").last).to_have_text(said(4))
        await expect(page.locator(".tool")).to_have_count(2)
        await page.screenshot(path=str(tmp_path / "page.png"))


async def test_an_answer_is_stopped(
    provider: Provider, fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    config = {"models": [provider.model()], **with_tools(tmp_path)}
    server = await fresh_server(config=config).start()

    async with page_of(server, "en-GB") as page:
        await say(page, "words=3 tool=hang")
        await expect(page.locator(".tool .output")).to_have_text("begun")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".note")).to_have_text("stopped")
        await say(page, "words=2")
        await expect(page.locator(".answer").last).to_have_text(said(2))
