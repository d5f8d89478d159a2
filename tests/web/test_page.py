"""Browsers get a page that needs nothing from elsewhere; programs get JSON as ever."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx2
import pytest

from talkwire.web import health
from talkwire.web.health import Health
from tests.web.wire import client_of

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def ask(accept: str, *, with_page: bool = True) -> httpx2.Response:
    routes = health.router(
        Health(version="1", draining=lambda: False, needed=[], service=dict, with_page=with_page)
    )
    async with client_of(routes) as client:
        return await client.get("/", headers={"Accept": accept})


async def test_a_browser_gets_the_page() -> None:
    answer = await ask(BROWSER)

    assert answer.headers["content-type"].startswith("text/html")
    assert "EventSource" in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
async def test_a_program_gets_json(accept: str) -> None:
    assert (await ask(accept)).json() == {"name": "talkwire", "version": "1"}


async def test_without_the_wires_that_it_speaks_there_is_no_page() -> None:
    assert (await ask(BROWSER, with_page=False)).headers["content-type"] == "application/json"


async def test_the_page_names_no_other_address() -> None:
    assert re.findall(r"https?://|//[a-z]+\.", (await ask(BROWSER)).text) == []


async def test_only_its_own_script_and_style_may_run() -> None:
    answer = await ask(BROWSER)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
