"""Calling tools as the engine does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from talkwire.canon.tools import CallContext, ToolAnswer

CONTEXT = CallContext("owner-1", "session-1", "turn-1", "call-1")
PATIENCE_S = 10.0


class Source(Protocol):
    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer: ...


class Heard:
    """What a tool said while it ran."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.any = asyncio.Event()

    def __call__(self, piece: str) -> None:
        self.pieces.append(piece)
        self.any.set()

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def call(
    source: Source, name: str, arguments: dict[str, Any], heard: Heard | None = None
) -> ToolAnswer:
    async with asyncio.timeout(PATIENCE_S):
        return await source.call(name, arguments, CONTEXT, heard or Heard())
