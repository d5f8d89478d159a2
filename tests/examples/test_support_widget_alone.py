"""The help-desk widget against a stand-in: streams cut anywhere, errors, and what it does alone."""

from __future__ import annotations

import asyncio
import re
import runpy
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.e2e import chromium
from tests.examples.support_page import BYTE_BY_BYTE, ended, open_panel, say, widget
from tests.examples.support_stand_in import (
    CATEGORY,
    OTHER,
    SUBCATEGORY,
    WIDGET,
    StandIn,
    done,
    line,
    refusal,
    said,
)

pytestmark = chromium.needed
README = (WIDGET / "README.md").read_text("utf-8")


async def test_an_answer_that_comes_byte_by_byte_is_shown_as_text() -> None:
    hostile = "**时效**\n不到 1 天 😀<img src=x onerror=alert(1)>\n\nlast *line*"
    pieces = [said(piece) for piece in re.split("(天)", hostile)]

    server = StandIn([[*pieces, done()]])
    async with server, widget(server.url, first=BYTE_BY_BYTE) as page:
        await open_panel(page)
        answer = await say(page, "提现到哪了")
        await ended(page)

        paragraphs = answer.locator(".bubble p")
        await expect(paragraphs).to_have_count(2)
        await expect(paragraphs.first).to_have_text("时效不到 1 天 😀<img src=x onerror=alert(1)>")
        await expect(answer.locator("strong")).to_have_text("时效")
        await expect(answer.locator("br")).to_have_count(1)
        await expect(answer.locator("img")).to_have_count(0)


async def test_a_heartbeat_shows_that_somebody_is_typing() -> None:
    more = asyncio.Event()

    server = StandIn([[said("One."), said(""), more, said(" Two."), done()]])
    async with server, widget(server.url) as page:
        await open_panel(page)
        answer = await say(page, "?")

        await expect(answer.locator("p").last).to_have_text("One.")
        await expect(answer.locator(".typing")).to_be_visible()
        more.set()
        await expect(answer.locator(".typing")).to_have_count(0)
        await expect(answer.locator(".bubble")).to_have_text("One. Two.")


async def test_a_stream_that_is_cut_is_taken_up_under_its_key() -> None:
    cut = [said("One. "), said("Two. ")[:-9]]

    server = StandIn([cut, [said("One. "), said("Two."), done()]])
    async with server, widget(server.url) as page:
        await open_panel(page)
        answer = await say(page, "?")
        await ended(page)

        await expect(answer.locator(".bubble")).to_have_text("One. Two.")

    assert len(server.asked) == 2
    assert server.asked[0] == server.asked[1]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(503, "draining"), "当前咨询较多"),
        (refusal(429, "rate_limited", "Retry-After: 7"), "请在 7 秒后重试"),
        (b"", "无法连接服务器"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "无法连接服务器"),
    ],
)
async def test_what_was_refused_is_asked_again_under_its_key(answer: bytes, told: str) -> None:
    server = StandIn([answer, [said("Here."), done()]])
    async with server, widget(server.url, failing=True) as page:
        await open_panel(page)
        await say(page, "?")
        await expect(page.get_by_role("alert")).to_contain_text(told)
        await page.get_by_role("button", name="重试").click()
        await ended(page)

        await expect(page.locator(".failed")).to_have_count(0)
        await expect(page.locator(".mine")).to_have_count(1)
        await expect(page.locator(".bubble").last).to_have_text("Here.")

    assert server.asked[0] == server.asked[1]


async def test_a_turn_that_failed_is_asked_again_as_another_one() -> None:
    failed = line({"error": "no", "code": "upstream_timeout", "done": True, "thread_id": "th_1"})

    server = StandIn([[said("Half"), failed], [said("Whole."), done()]])
    async with server, widget(server.url, "en-GB") as page:
        await open_panel(page)
        answer = await say(page, "?")
        await expect(answer.locator(".bubble")).to_have_text("Half")
        await expect(page.get_by_role("alert")).to_contain_text("Something went wrong")
        await page.get_by_role("button", name="Try again").click()
        await ended(page)

        await expect(page.locator(".bubble").last).to_have_text("Whole.")

    assert server.asked[0][0] != server.asked[1][0]
    assert server.asked[1][1]["thread_id"] == "th_1"


async def test_a_topic_that_is_gone_is_not_asked_for_again() -> None:
    unknown = refusal(422, "invalid_request").replace(
        b'"detail"', b'"param":"subcategory","detail"'
    )

    server = StandIn([unknown, [said("Here."), done()]])
    async with server, widget(server.url, failing=True) as page:
        await open_panel(page)
        await page.get_by_role("button", name=CATEGORY).click()
        await page.get_by_role("button", name="提现失败与退回").click()
        await expect(page.locator("#pin")).to_have_text("取款/提现 › 提现失败与退回")
        await say(page, "?")
        await page.get_by_role("button", name="重试").click()
        await ended(page)

    asked, anew = server.asked
    assert (asked[1]["category"], asked[1]["subcategory"]) == (CATEGORY, OTHER)
    assert set(anew[1]) == {"user_query", "thread_id"}
    assert asked[0] != anew[0]


async def test_stop_stops_the_turn_and_keeps_what_was_said() -> None:
    server = StandIn()
    server.answers = [[said("One."), server.aborted, done(finish_reason="aborted")]]

    async with server, widget(server.url) as page:
        await open_panel(page)
        answer = await say(page, "?")
        await expect(answer.locator(".bubble")).to_have_text("One.")
        await page.get_by_role("button", name="停止回答").click()
        await ended(page)

        await expect(answer.locator(".note")).to_have_text("已停止。")
        await expect(page.locator("#text")).to_be_focused()

    assert "POST /turns/t_1/abort" in server.requests


async def test_enter_sends_but_not_within_a_word_that_is_composed() -> None:
    composing = """(text) => {
      for (const more of [{ isComposing: true }, { keyCode: 229 }])
        text.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, ...more }));
    }"""

    server = StandIn([[said("Here."), done()]])
    async with server, widget(server.url) as page:
        await open_panel(page)
        await page.keyboard.type("提现")
        await page.locator("#text").evaluate(composing)
        await page.press("#text", "Shift+Enter")
        await page.keyboard.type("到哪了")
        assert server.asked == []
        await page.press("#text", "Enter")
        await ended(page)

        await expect(page.locator("#text")).to_have_value("")

    assert server.asked[0][1]["user_query"] == "提现\n到哪了"


async def test_a_page_loaded_again_goes_on_where_it_was() -> None:
    never = asyncio.Event()
    talk = [
        {"role": "user", "content": "first", "turn_id": "t_0"},
        {
            "role": "assistant",
            "content": "answer",
            "turn_id": "t_0",
            "category": CATEGORY,
            "subcategory": SUBCATEGORY,
        },
    ]

    server = StandIn([[said("On"), never], [said("One."), done()]], messages=talk)
    async with server, widget(server.url) as page:
        await open_panel(page)
        await page.get_by_role("button", name="EN").click()
        await say(page, "second")
        await expect(page.locator(".bubble").last).to_have_text("On")
        await page.reload()
        await open_panel(page)
        await ended(page)

        await expect(page.locator("#title")).to_have_text("Help desk")
        await expect(page.locator(".mine")).to_contain_text(["first", "second"])
        shown = page.locator(".answer")
        about = shown.nth(1).locator(".about")
        await expect(about).to_have_text("Withdrawals › Withdrawal status")
        await expect(shown.last.locator(".bubble")).to_have_text("One.")

    assert server.asked[0] == server.asked[1]


async def test_the_keyboard_opens_closes_and_stays_on_a_small_screen() -> None:
    server = StandIn()
    small = {"width": 320, "height": 568}
    async with server, widget(server.url, viewport=small, reduced_motion="reduce") as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="在线客服")).to_be_visible()
        await expect(page.locator(".chip").first).to_be_visible()
        await expect(page.locator("#text")).to_be_focused()
        wide = "document.documentElement.scrollWidth"
        assert await page.evaluate(wide) == 320
        for _ in range(12):
            await page.keyboard.press("Tab")
            inside = "document.activeElement.id === 'talkwire-support'"
            assert await page.evaluate(inside)
        await page.keyboard.press("Escape")
        await expect(page.locator("#panel")).to_be_hidden()
        await expect(page.locator("#launcher")).to_be_focused()


async def test_names_are_in_the_reader_s_language_where_there_are_any() -> None:
    server = StandIn([[said("Here."), done()]])
    async with server, widget(server.url, "en-GB") as page:
        await open_panel(page)
        await page.get_by_role("button", name="Withdrawals").click()
        await page.get_by_role("button", name="Withdrawal status").click()
        await page.keyboard.press("Enter")
        await ended(page)

        about = page.locator(".answer .about").first
        await expect(about).to_have_text("Withdrawals › Withdrawal status")
        await expect(page.locator(".related .chip")).to_have_text("提现失败与退回")
        await page.get_by_role("button", name="中文").click()
        await expect(about).to_have_text("取款/提现 › 提现状态查询")

    assert server.asked[0][1]["user_query"] == "Withdrawal status"
    assert server.asked[0][1]["subcategory"] == SUBCATEGORY


async def test_attributes_configure_it() -> None:
    given = 'data-server="/help/" data-title="Ask us" data-title-zh="问我们"'
    colors = "(box) => [getComputedStyle(box).backgroundColor, getComputedStyle(box).color]"

    server = StandIn(attributes=given)
    async with server, widget(server.url, "en-GB") as page:
        assert await page.locator("#launcher").evaluate(colors) == [
            "rgb(31, 95, 174)",
            "rgb(255, 255, 255)",
        ]
        await open_panel(page)
        await expect(page.locator("#title")).to_have_text("Ask us")
        await page.get_by_role("button", name="中文").click()
        await expect(page.locator("#title")).to_have_text("问我们")

    assert "GET /help/scenarios" in server.requests


async def test_the_readme_s_iframe_grows_when_it_is_opened() -> None:
    found = re.search(r"```html\n(<iframe.*?)```", README, re.DOTALL)
    assert found
    snippet = re.sub('src="[^"]*"', 'src="/"', found[1], count=1)

    async def around(route: Route) -> None:
        await route.fulfill(body=f"<!doctype html>{snippet}", content_type="text/html")

    server = StandIn()
    async with server, widget(server.url) as page:
        await page.route("**/around", around)
        await page.goto(f"{server.url}/around")
        frame = page.locator("iframe")
        inside = page.frame_locator("iframe")
        await expect(inside.locator("main")).to_be_hidden()
        assert await frame.evaluate("(frame) => frame.clientWidth") < 120
        await inside.locator("#launcher").click()
        await expect(frame).to_have_class("open")
        await expect(inside.locator("#panel")).to_be_visible()
        await expect(inside.locator("#text")).to_have_css("height", "36px")
        await inside.locator("#close").click()
        await expect(frame).not_to_have_class("open")


def test_the_page_allows_its_own_scripts_and_styles() -> None:
    page = (WIDGET / "index.html").read_text("utf-8")

    assert runpy.run_path(str(WIDGET / "seal.py"))["sealed"](page) == page, "run seal.py"


def test_the_page_names_no_other_place() -> None:
    page = Path(WIDGET / "index.html").read_text("utf-8")

    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", page) == []
    assert "innerHTML" not in page
