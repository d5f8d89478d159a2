"""What a server does beside its turns: beat, take turns up again, sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from talkwire.canon.errors import Fenced, TalkwireError
from talkwire.engine.storage_ports import Nodes, Signals
from talkwire.engine.turns import Turns

_log = logging.getLogger(__name__)


async def beat(
    nodes: Nodes, every_s: float, on_fenced: Callable[[Fenced], Awaitable[bool]]
) -> None:
    """Say that this process lives, until another one has taken its place for good.

    `on_fenced` tells whether this process could come back.
    """
    while True:
        await asyncio.sleep(every_s)
        try:
            await nodes.beat()
        except Fenced as error:
            _log.error("node.fenced")
            if not await on_fenced(error):
                return
        except TalkwireError as error:
            _log.warning("node.beat_failed: %s", error.message)


async def take_up(nodes: Nodes, turns: Turns, every_s: float) -> None:
    """Take up the turns of nodes that have died, and those given up here for want of storage."""
    while True:
        await asyncio.sleep(every_s)
        if turns.draining:
            continue
        try:
            if await nodes.take_over() or turns.orphaned:
                await turns.adopt()
        except TalkwireError as error:
            _log.warning("turns.not_adopted: %s", error.message)


async def stop_asked(turns: Turns, every_s: float, signals: Signals) -> None:
    """Stop the turns that were to be stopped by way of another node."""
    asked = asyncio.Event()
    asked.set()  # word may have come before anybody heard
    signals.hear("stop", lambda _: asked.set())
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await asked.wait()
        asked.clear()
        try:
            await turns.stop_asked()
        except TalkwireError as error:
            _log.warning("turns.not_stopped: %s", error.message)


async def sweep(
    clean: Callable[[], Awaitable[object]],
    every_s: float,
    let_go: Callable[[], None] = lambda: None,
) -> None:
    """Delete what is kept no longer, again and again; `let_go` of what is remembered of it here."""
    while True:
        await asyncio.sleep(every_s)
        let_go()
        try:
            await clean()
        except TalkwireError as error:
            _log.warning("sweep.failed: %s", error.message)
