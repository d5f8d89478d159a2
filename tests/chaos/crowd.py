"""The clients of a storm: so many turns at a time, a new one whenever one has ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.chaos.reading import Asked, Follower, Transcript, Where

WAYS = [("native", "POST"), ("responses-sse", "POST"), ("responses-sse", "GET")]


@dataclass(frozen=True)
class Load:
    """What the clients do. A turn has a second reader with the chance `second`."""

    seed: int = 1
    turns: int = 200
    second: float = 0.15
    words: tuple[int, int] = (12, 48)
    pace_ms: int = 250
    patience_s: float = 60.0
    fickle: float = 0.002
    models: tuple[str, ...] = ("words",)
    ways: tuple[tuple[str, str], ...] = tuple(WAYS)
    quiet_s: float | None = 3.0
    joined_s: float = 8.0


@dataclass
class Crowd:
    """All clients. What they saw is in `transcripts`, also of those who gave up."""

    load: Load
    where: Where
    transcripts: list[Transcript] = field(default_factory=list)
    on_started: Callable[[], None] = lambda: None
    on_frame: Callable[[], None] = lambda: None

    @property
    def asked(self) -> list[Asked]:
        """The turns, in the order in which they were asked for."""
        return list(
            {transcript.asked.key: transcript.asked for transcript in self.transcripts}.values()
        )

    @property
    def faults(self) -> int:
        """How much of what must not be has been seen so far."""
        return sum(transcript.faults.total() for transcript in self.transcripts)

    @asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """Clients come and go until the block is left; then the turns that run are read to the end.

        What has not ended within the patience is left, and judged as it is.
        """
        self._over = asyncio.Event()
        seats = [asyncio.create_task(self._seat(k)) for k in range(self.load.turns)]
        try:
            yield
            self._over.set()
            await asyncio.wait(seats, timeout=self.load.patience_s + 5)
        finally:
            for seat in seats:
                seat.cancel()
            ended = await asyncio.gather(*seats, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _seat(self, seat: int) -> None:
        dice = random.Random(f"{self.load.seed}/{seat}")
        await asyncio.sleep(dice.uniform(0, min(2.0, self.load.turns / 50)))
        turn = 0
        while not self._over.is_set():
            await self._turn(f"chaos-{seat}-{turn}", dice)
            turn += 1

    async def _turn(self, key: str, dice: random.Random) -> None:
        load = self.load
        wire, how = dice.choice(load.ways)
        prompt = f"{key} words={dice.randint(*load.words)} pace_ms={load.pace_ms}"
        model = dice.choice(load.models)
        asked = Asked(key, wire, how, prompt, began_at=time.monotonic(), model=model)
        reading = []
        for _ in range(1 + (dice.random() < load.second)):
            transcript = Transcript(asked)
            self.transcripts.append(transcript)
            follower = Follower(
                transcript,
                self.where,
                random.Random(dice.random()),
                fickle=load.fickle,
                quiet_s=load.quiet_s,
                joined_s=load.joined_s,
                on_frame=self.on_frame,
                on_started=self.on_started,
            )
            reading.append(asyncio.create_task(follower.follow()))
        try:
            done, _ = await asyncio.wait(reading, timeout=load.patience_s)
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        for task in done:
            if error := task.exception():
                raise error
