"""The desk that settings ask for: who answers questions from a catalogue of scenarios.

It is imported when it is asked for: a server without the wire `support` pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Protocol

from talkwire.engine.ports import Scenarios
from talkwire.models import configured
from talkwire.models.embeddings import Embeddings
from talkwire.settings import Settings

OPEN_WITHIN_S = 5.0


class Desk(Scenarios, Protocol):
    """The engine's door to the scenarios, and what the server asks of them beside it."""

    async def open(self) -> None:
        """Load the catalogue, apart from the event loop; what is wrong with it is a problem."""
        ...

    async def watch(self, every_s: float) -> None:
        """Look for edits, until it is cancelled; one that cannot be used changes nothing."""
        ...

    def status(self) -> Mapping[str, Any]:
        """`loaded`, `total` scenarios, the `version` of the catalogue in force, and the `problem`
        with the file as it is now, or None.
        """
        ...

    def listing(self) -> dict[str, Any]:
        """What `GET /scenarios` answers.

        :raises Unavailable: there is no catalogue, since it could not be loaded.
        """
        ...


def embeddings(settings: Settings) -> Embeddings | None:
    """What makes vectors for the desk; None where no model is named for it. Close it.

    :raises ValueError: the model's URL or key cannot be used.
    """
    name = settings.scenarios.embedding_model
    if name is None or "support" not in settings.wires:
        return None
    return configured.embeddings(settings, name)


def desk(settings: Settings, vectors: Embeddings | None) -> Desk | None:
    """Not open yet; None where the wire `support` is switched off."""
    if "support" not in settings.wires:
        return None
    from talkwire.scenarios.desk import Desk as Catalogued

    embed = None if vectors is None else vectors.embed
    asked = settings.scenarios
    cache = settings.data_dir / "scenarios"
    return Catalogued(asked.path, weights=asked.weights, cache=cache, embed=embed)


async def begin(desk: Desk, stack: AsyncExitStack, *, reload_s: float) -> None:
    """Open the desk and watch its catalogue, until `stack` is closed. It is waited for a while, so
    that the first question finds it open, and no longer: the server starts in any case.
    """
    is_open = asyncio.Event()

    async def keep() -> None:
        await desk.open()
        is_open.set()
        await desk.watch(reload_s)

    keeping = asyncio.create_task(keep())
    stack.push_async_callback(_end, keeping)
    with suppress(TimeoutError):
        async with asyncio.timeout(OPEN_WITHIN_S):
            await is_open.wait()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def health(desk: Desk | None) -> dict[str, Any]:
    """What `GET /health` tells of the scenarios."""
    if desk is None:
        return {}
    status = desk.status()
    return {"scenarios_loaded": status["loaded"], "total_scenarios": status["total"]}


def degraded(desk: Desk | None) -> dict[str, str]:
    """What is wrong with the catalogue, under the name `scenarios`."""
    problem = None if desk is None else desk.status()["problem"]
    return {} if problem is None else {"scenarios": problem}
