"""The storm: a server that is killed and frozen at random while its clients read on.

One process drives it: the model provider, the clients and the killing. The server is a child,
with one data folder for all of its lives. Everything random comes from the seed.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.reading import Asked, Follower, Place, Transcript
from tests.chaos.stored import in_folder
from tests.chaos.verdict import Verdict, judge
from tests.e2e.kept import database
from tests.e2e.provider import Provider
from tests.e2e.servers import Server, free_port

DEAD_AFTER_S = 1.0


@dataclass(frozen=True)
class Options:
    """What is done; the storm ends with the last kill or after `seconds`, then all is judged."""

    seed: int = 1
    kills: int = 200
    zombies: int = 15
    seconds: float = 900.0
    turns: int = 8
    readers: int = 5
    words: int = 80
    pace_ms: int = 12
    on_lost: str = "auto"
    fence: bool = True
    write_ahead: bool = True
    patience_s: float = 30.0

    @property
    def control(self) -> bool:
        """True when a mechanism is off: the run is to find faults, and ends with the first."""
        return not (self.fence and self.write_ahead)


@dataclass
class Storm:
    """One run; `go` returns what came of it."""

    options: Options
    folder: Path
    killed: int = 0
    frozen: int = 0
    seconds: float = 0.0
    calls: int = 0
    transcripts: list[Transcript] = field(default_factory=list)

    async def go(self) -> Verdict:
        self._dice = random.Random(self.options.seed)
        self._over = asyncio.Event()
        self._struck = asyncio.Event()  # cleared while the next frame is to bring the kill
        self._struck.set()
        async with Provider() as provider:
            self._settings: dict[str, Any] = _settings(provider, self.options)
            self._server = Server(self.folder, **self._settings)
            await self._server.start()
            self._place = Place(self._server.port)
            try:
                began = time.monotonic()
                async with self._clients():
                    await self._havoc()
                self.seconds = time.monotonic() - began
                self.calls = len(provider.calls)
                async with asyncio.timeout(60):
                    verdict = await judge(
                        self.transcripts, self._server.port, in_folder(self._server.data_dir)
                    )
            finally:
                self._server.stop()
        return verdict

    async def _havoc(self) -> None:
        options = self.options
        blows = ["kill"] * options.kills + ["zombie"] * options.zombies
        self._dice.shuffle(blows)
        until = time.monotonic() + options.seconds
        for blow in blows:
            if time.monotonic() > until or (options.control and self._seen_faults()):
                return
            # Short lives and long ones: some kills meet the recovery from the one before.
            await asyncio.sleep(self._dice.choice([0.02, 0.15, 0.4, 0.9]) * self._dice.random() * 2)
            if blow == "kill":
                await self._kill()
                self.killed += 1
                await self._server.start()
            else:
                await self._zombie()
                self.frozen += 1

    async def _kill(self) -> None:
        """At any time, or at the very moment when a frame comes: what it tells must be held."""
        if self._dice.random() < (1.0 if self.options.control else 0.5):
            self._struck.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.5):
                    await self._struck.wait()
            self._struck.set()
        self._server.kill9()

    def _framed(self) -> None:
        if not self._struck.is_set():
            self._struck.set()
            self._server.kill9()

    def _seen_faults(self) -> bool:
        return any(transcript.faults for transcript in self.transcripts)

    async def _zombie(self) -> None:
        """Freeze the server, let another take its turns over, wake it, and end it a bit later."""
        sleeper = self._server
        await freeze_between_commits(sleeper)
        port = free_port()
        other = Server(self.folder, **self._settings, data_dir=sleeper.data_dir, port=port)
        self._server = other
        try:
            await asyncio.sleep(DEAD_AFTER_S * 1.2)
            await other.start()
            self._place.move(port)
            await asyncio.sleep(self._dice.uniform(0.3, 0.8))
            sleeper.thaw()
            await asyncio.sleep(self._dice.uniform(0.2, 0.8))
        finally:
            sleeper.kill9()

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[None]:
        """Clients that begin a new turn whenever one has ended, until the block is left."""
        seats = [asyncio.create_task(self._seat(k)) for k in range(self.options.turns)]
        try:
            yield
            self._over.set()
            await asyncio.wait(seats, timeout=self.options.patience_s + 5)
        finally:
            for seat in seats:
                seat.cancel()
            ended = await asyncio.gather(*seats, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _seat(self, seat: int) -> None:
        dice = random.Random(f"{self.options.seed}/{seat}")
        turn = 0
        while not self._over.is_set():
            await self._turn(f"chaos-{seat}-{turn}", dice)
            turn += 1

    async def _turn(self, key: str, dice: random.Random) -> None:
        wire, how = dice.choice(
            [("native", "POST"), ("responses-sse", "POST"), ("responses-sse", "GET")]
        )
        words = dice.randrange(1, self.options.words * 2)
        prompt = f"{key} words={words} pace_ms={self.options.pace_ms}"
        asked = Asked(key, wire, how, prompt, began_at=time.monotonic())
        following = []
        for k in range(self.options.readers):
            transcript = Transcript(asked)
            self.transcripts.append(transcript)
            one = random.Random(dice.random())
            follower = Follower(
                transcript, self._place, one, stubborn=k % 2 == 1, on_frame=self._framed
            )
            following.append(asyncio.create_task(follower.follow()))
        patience = self.options.patience_s
        try:
            # A turn that the storm meets again and again takes longer, but not for ever.
            done, _ = await asyncio.wait(following, timeout=patience)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        for task in done:
            if error := task.exception():
                raise error


async def freeze_between_commits(server: Server) -> None:
    """SQLite's lock is the file's: who is frozen with it in hand holds up every other process."""
    path = database(server.data_dir)
    while True:
        server.freeze()
        try:
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as link:
                link.execute("BEGIN IMMEDIATE")
                link.execute("ROLLBACK")
        except sqlite3.OperationalError:
            server.thaw()
            await asyncio.sleep(0.003)
        else:
            return


def _settings(provider: Provider, options: Options) -> dict[str, Any]:
    config = {
        "models": [provider.model()],
        "turns": {"on_lost": options.on_lost},
        "node": {"beat_s": DEAD_AFTER_S / 5, "dead_after_s": DEAD_AFTER_S},
    }
    env = {
        "TALKWIRE_TESTING__FENCE": str(options.fence).lower(),
        "TALKWIRE_TESTING__WRITE_AHEAD": str(options.write_ahead).lower(),
    }
    return {"config": config, "env": env}
