"""The help-desk widget in a real browser, against a real server with the bundled catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e import chromium
from tests.e2e.servers import Server
from tests.examples.support_page import ended, open_panel, say, served, widget

pytestmark = chromium.needed
Start = Callable[..., Server]
THREAD = "JSON.parse(sessionStorage.getItem('talkwire-support:')).thread"


@pytest.fixture
async def server(fresh_server: Start) -> Server:
    return await fresh_server(env={"USE_MOCK": "1"}).start()


@pytest.fixture
async def url(server: Server) -> AsyncIterator[str]:
    """Where the widget is, in front of the server."""
    async with served(server.url) as where:
        yield where


async def _session(page: Page, server: Server) -> tuple[int, dict[str, object]]:
    """The status and body of what the server tells of the page's thread."""
    thread = await page.evaluate(THREAD)
    told = await page.request.get(f"{server.url}/sessions/{thread}")
    return told.status, await told.json()


async def test_a_case_goes_on_in_its_scenario_until_a_person_takes_over(url: str) -> None:
    async with widget(url) as page:
        await open_panel(page)
        answer = await say(page, "提现到哪了")
        await ended(page)
        await expect(answer.locator(".about").first).to_have_text("取款/提现 › 提现状态查询")
        await expect(answer.locator(".bubble")).to_contain_text("提现单号")
        await expect(answer.locator(".sure")).to_contain_text("匹配度")

        answer = await say(page, "WD20240518")
        await ended(page)
        await expect(answer.locator(".about").first).to_have_text("取款/提现 › 提现状态查询")
        await expect(answer.locator(".bubble")).to_contain_text("WD20240518")
        await expect(answer.locator(".source")).to_have_text("withdrawal-status.md")

        await page.get_by_role("button", name="提现失败与退回").click()
        await ended(page)
        await expect(page.locator(".mine").last).to_contain_text("提现失败与退回")
        last = page.locator(".answer").last
        await expect(last.locator(".about").first).to_have_text("取款/提现 › 提现失败与退回")

        await page.get_by_role("button", name="转人工").click()
        await ended(page)
        await expect(page.locator(".bubble").last).to_contain_text("人工")


async def test_what_is_about_no_scenario_has_no_label(url: str) -> None:
    async with widget(url, "en-GB") as page:
        await open_panel(page)
        answer = await say(page, "will it rain tomorrow?")
        await ended(page)

        await expect(answer.locator(".bubble")).to_contain_text("cannot help with that")
        await expect(answer.locator(".about").first).to_be_hidden()
        await expect(answer.locator(".sure")).to_have_count(0)


async def test_a_topic_that_was_chosen_is_what_the_next_question_is_about(url: str) -> None:
    async with widget(url) as page:
        await open_panel(page)
        await page.get_by_role("button", name="更多").click()
        await page.get_by_role("button", name="发票与账单").click()
        await page.get_by_role("button", name="开具发票").click()
        await expect(page.locator("#pin")).to_have_text("发票与账单 › 开具发票")
        await page.keyboard.press("Enter")
        await ended(page)

        await expect(page.locator(".mine")).to_contain_text("开具发票")
        about = page.locator(".answer").last.locator(".about").first
        await expect(about).to_have_text("发票与账单 › 开具发票")
        await expect(page.locator("#pin")).to_be_hidden()


async def test_a_server_that_is_gone_is_asked_again_and_answers_once(
    server: Server, url: str
) -> None:
    async with widget(url, failing=True) as page:
        await open_panel(page)
        await expect(page.locator(".chip").first).to_be_visible()
        server.kill9()
        await say(page, "提现到哪了")
        await expect(page.get_by_role("alert")).to_contain_text("无法连接服务器")
        await server.restart()
        await page.get_by_role("button", name="重试").click()
        await ended(page)

        await expect(page.locator(".failed")).to_have_count(0)
        await expect(page.locator(".answer .about").first).to_have_text("取款/提现 › 提现状态查询")
        status, told = await _session(page, server)
        assert (status, told["turn_count"]) == (200, 1)


async def test_a_new_conversation_deletes_the_old_one(server: Server, url: str) -> None:
    async with widget(url, "en-GB") as page:
        await open_panel(page)
        await say(page, "where is my parcel")
        await ended(page)
        thread = await page.evaluate(THREAD)
        assert (await _session(page, server))[0] == 200
        await page.get_by_role("button", name="New conversation").click()
        await expect(page.locator(".mine")).to_have_count(0)
        await expect(page.locator(".chip").first).to_be_visible()

        assert (await page.request.get(f"{server.url}/sessions/{thread}")).status == 404
        assert await page.evaluate(THREAD) == ""


async def test_a_page_loaded_again_shows_the_conversation(url: str) -> None:
    async with widget(url) as page:
        await open_panel(page)
        await say(page, "提现到哪了")
        await ended(page)
        await page.reload()
        await open_panel(page)

        await expect(page.locator(".mine")).to_contain_text("提现到哪了")
        about = page.locator(".answer .about").first
        await expect(about).to_have_text("取款/提现 › 提现状态查询")
