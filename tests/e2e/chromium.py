"""A real browser, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_PATH = shutil.which("chromium") or shutil.which("chromium-browser")

needed = pytest.mark.skipif(
    _PATH is None, reason="no Chromium on this machine: apt install chromium"
)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium, closed at the end."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=_PATH,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield opened
        await opened.close()
