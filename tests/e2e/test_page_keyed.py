"""The page at `/` where the server asks for a key. Needs Chromium on the machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from playwright.async_api import Page, expect

from tests.e2e import chromium
from tests.e2e.keyed import KEYS_MODE, Key, keys, make_key
from tests.e2e.servers import Server

pytestmark = [chromium.needed, pytest.mark.timeout(180)]  # a browser and a server each
expect.set_options(timeout=15_000)  # the machine may be busy

Open = Callable[..., Awaitable[Page]]
WORDS = {
    "en-GB": ("asks for a key", "does not take this key"),
    "zh-CN": ("要求密钥", "不接受此密钥"),
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server that asks for keys."""
    folder = tmp_path_factory.mktemp("keyed")
    running = Server(folder, env={"USE_MOCK": "1"}, config=KEYS_MODE)
    running.start_blocking()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def key(keyed: Server) -> Key:
    return make_key(keyed)


@pytest.fixture
async def pages() -> AsyncIterator[Open]:
    """Opens pages; what breaks in them fails the test."""
    broken: list[str] = []
    async with chromium.browser() as browser:

        async def opened(url: str, locale: str = "en-GB") -> Page:
            context = await browser.new_context(locale=locale)
            page = await context.new_page()
            page.on("pageerror", lambda error: broken.append(str(error)))
            page.on(
                "console",
                lambda told: broken.append(told.text) if "Security Policy" in told.text else None,
            )
            await page.goto(url)
            return page

        yield opened
    assert broken == []


async def _enter(page: Page, text: str, *, keep: bool = False) -> None:
    await expect(page.locator("#door")).to_be_visible()
    await page.fill("#key", text)
    if keep:
        await page.check("#keep")
    await page.click("#door-open")


async def _ask(page: Page, text: str) -> None:
    await expect(page.locator("#form")).to_be_visible()
    await page.fill("#input", text)
    await page.press("#input", "Enter")


async def _stored(page: Page) -> str:
    return str(await page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))


@pytest.mark.parametrize("locale", WORDS)
async def test_a_wrong_key_is_told_and_the_right_one_opens(
    locale: str, pages: Open, keyed: Server, key: Key
) -> None:
    page = await pages(keyed.url, locale)
    wanted, wrong = WORDS[locale]
    await expect(page.locator("#door")).to_contain_text(wanted)
    await expect(page.locator("#key")).to_have_attribute("type", "password")
    for text in ("tw_wrong_x", "密钥"):
        await _enter(page, text)
        await expect(page.locator("#door-told")).to_contain_text(wrong)

    await _enter(page, key.text)
    await _ask(page, "count to 5")

    await expect(page.locator(".answer")).to_have_text("1, 2, 3, 4, 5.")
    assert key.text not in await page.content()
    assert key.text not in await _stored(page)
    assert key.text not in page.url


async def test_a_key_is_kept_for_the_tab_only_where_that_is_wanted(
    pages: Open, keyed: Server, key: Key
) -> None:
    page = await pages(keyed.url)
    await _enter(page, key.text)
    await expect(page.locator("#form")).to_be_visible()
    await page.reload()
    await _enter(page, key.text, keep=True)
    await expect(page.locator("#form")).to_be_visible()
    await page.reload()
    await _ask(page, "count to 3")
    await expect(page.locator(".answer")).to_have_text("1, 2, 3.")

    await page.click("#forget")
    await expect(page.locator("#door")).to_be_visible()
    assert key.text not in await _stored(page)


async def test_an_answer_can_be_stopped_with_a_key(pages: Open, keyed: Server, key: Key) -> None:
    page = await pages(keyed.url)
    await _enter(page, key.text)
    await _ask(page, "slow count to 500")
    await expect(page.locator(".answer")).to_contain_text("1, 2")

    await page.click("#button")

    await expect(page.locator(".note")).to_have_text("stopped")


async def test_a_cut_stream_goes_on_with_a_new_ticket_each_number_once(
    pages: Open, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}, config=KEYS_MODE).start()
    page = await pages(server.url)
    await _enter(page, make_key(server).text)
    await _ask(page, "slow count to 30")
    await expect(page.locator(".answer")).to_contain_text("1, 2")

    server.kill9()
    await expect(page.locator(".note")).to_contain_text("resuming")
    await server.restart()

    whole = ", ".join(map(str, range(1, 31))) + "."
    await expect(page.locator(".answer")).to_have_text(whole, timeout=30_000)
    await expect(page.locator(".note")).to_have_count(0)


async def test_a_revoked_key_is_asked_for_again(pages: Open, keyed: Server) -> None:
    page = await pages(keyed.url)
    lost = make_key(keyed)
    await _enter(page, lost.text)
    await _ask(page, "slow count to 60")
    await expect(page.locator(".answer")).to_contain_text("1, 2")

    keys(keyed, "revoke", lost.id)

    await expect(page.locator("#door-told")).to_contain_text("does not take this key")


async def test_a_key_that_may_not_chat_is_told(pages: Open, keyed: Server) -> None:
    page = await pages(keyed.url)

    await _enter(page, make_key(keyed, "--scopes", "sessions:read").text)

    await expect(page.locator("#door-told")).to_contain_text("scope chat")
