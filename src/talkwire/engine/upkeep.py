"""What a server does beside its turns: beat, take turns up again, sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from talkwire.canon.errors import Fenced, TalkwireError
from talkwire.engine.ports import Nodes
from talkwire.engine.turns import Turns

_log = logging.getLogger(__name__)


async def beat(nodes: Nodes, every_s: float, on_fenced: Callable[[], None]) -> None:
    """Say that this process lives, until another one has taken its place."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await nodes.beat()
        except Fenced:
            _log.error("node.fenced")
            on_fenced()
            return
        except TalkwireError as error:
            _log.warning("node.beat_failed: %s", error.message)


async def take_up(turns: Turns, every_s: float) -> None:
    """Take up again the turns that were given up here because storage was away."""
    while True:
        await asyncio.sleep(every_s)
        if not turns.orphaned or turns.draining:
            continue
        try:
            await turns.adopt()
        except TalkwireError as error:
            _log.warning("turns.not_adopted: %s", error.message)


async def sweep(clean: Callable[[], Awaitable[object]], every_s: float) -> None:
    """Delete what is kept no longer, again and again."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await clean()
        except TalkwireError as error:
            _log.warning("sweep.failed: %s", error.message)
