"""The page at `/` in a real browser. Needs Chromium on the machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.e2e import chromium
from tests.e2e.servers import Server

pytestmark = chromium.needed
expect.set_options(timeout=15_000)  # the machine may be busy


@pytest.fixture(params=["en-GB", "zh-CN"])
async def page(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Page]:
    """The page, opened; complaints of the browser fail the test."""
    complaints: list[str] = []
    async with chromium.browser() as browser:
        context = await browser.new_context(locale=request.param)
        opened = await context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "console",
            lambda told: complaints.append(told.text) if told.type == "error" else None,
        )
        await opened.goto(server.url)
        yield opened
    assert complaints == []


IDLE = re.compile("Send|发送")


async def _ask(page: Page, text: str) -> None:
    await expect(page.locator("#button")).to_have_text(IDLE)
    await page.fill("#input", text)
    await page.press("#input", "Enter")


async def test_a_question_is_answered_as_text(page: Page) -> None:
    await _ask(page, "echo <b>bold</b>")
    await expect(page.locator(".answer")).to_have_text("<b>bold</b>")

    await _ask(page, "数到 3")
    await expect(page.locator(".answer").last).to_have_text("1，2，3。")


async def test_the_same_question_is_asked_again(page: Page) -> None:
    for number in (1, 3):
        await _ask(page, "remember")
        await expect(page.locator(".answer").last).to_contain_text(f"given {number} messages")


async def test_an_answer_can_be_stopped(page: Page) -> None:
    await _ask(page, "slow count to 500")
    await expect(page.locator(".answer")).to_contain_text("1, 2")

    await page.click("#button")
    await expect(page.locator(".note")).to_be_visible()
    await expect(page.locator("#button")).to_have_text(IDLE)


async def test_a_failure_is_told(page: Page) -> None:
    await _ask(page, "fail")

    await expect(page.locator(".note")).to_contain_text("The demo failed")
