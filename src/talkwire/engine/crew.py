"""Tasks that outlive whoever started them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Crew:
    """Holds each task until it is done: the event loop itself holds none."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many are not done."""
        return len(self._tasks)

    def own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run it apart from the caller."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, timeout_s: float) -> set[asyncio.Task[Any]]:
        """Wait for the tasks of now, `timeout_s` at most; those that are not done."""
        tasks = set(self._tasks)
        return (await asyncio.wait(tasks, timeout=timeout_s))[1] if tasks else tasks

    async def dismiss(self, within_s: float) -> None:
        """Give all tasks `within_s` to end, then cancel them, and wait as long again."""
        stuck = await self.finish(within_s)
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=within_s)
