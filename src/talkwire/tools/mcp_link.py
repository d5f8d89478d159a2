"""The end of a connection to an MCP server, as its transport and its owner share it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talkwire.tools.mcp_text import clean

LAST_WORDS_BYTES = 2000


class LinkBroken(Exception):
    """The connection has ended. Its message says why, as far as that is known."""


class Ended:
    """Whether a connection has ended, and why, as far as its transport knows.

    `stir` is called when it ends. `last_words` is the end of what a server wrote beside the
    protocol.
    """

    def __init__(self) -> None:
        self.happened = asyncio.Event()
        self.why = ""
        self.last_words = bytearray()
        self.stir: Callable[[], None] = lambda: None
        self._ours = False

    def close(self) -> None:
        """From now on it ends because it is closed here, and not for a reason of its own."""
        self._ours = True

    def end(self, why: str) -> None:
        """The first reason stays."""
        if not self._ours:
            self.why = self.why or why
        self.happened.set()
        self.stir()

    def told(self, why: str = "") -> str:
        """The reason, `why` if none is known, and the last lines of the server."""
        words = clean(self.last_words.decode(errors="replace"), LAST_WORDS_BYTES)
        lines = " / ".join([line.strip() for line in words.splitlines() if line.strip()][-3:])
        return f"{self.why or why} {f'It said: {lines[-500:]}' if lines else ''}".strip()
