"""What an MCP tool lets be heard while it works: progress and log messages, as lines of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from talkwire.tools.mcp_text import clean

_LINE_CHARS = 2000
_MOST_CHARS = 100_000
"""What is passed on of one call: whoever reports more reports too much."""


class Hearing:
    """One call's listener, until it is closed: messages may come after the answer."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._left = _MOST_CHARS
        self._open = True

    def close(self) -> None:
        self._open = False

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """As the SDK calls it."""
        share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
        self._tell(f"{share} {message}" if message else share)

    def log(self, logged: Any) -> None:
        self._tell(logged if isinstance(logged, str) else json.dumps(logged, ensure_ascii=False))

    def _tell(self, text: str) -> None:
        line = clean(text, _LINE_CHARS)
        if not self._open or len(line) >= self._left:
            return
        self._left -= len(line) + 1
        self._hear(f"{line}\n")
