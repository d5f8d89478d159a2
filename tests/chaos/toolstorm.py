"""A server is killed at random while its turns call tools, several turns in each session."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.printing import Outcome
from tests.chaos.reading import Asked, Follower, Place, Transcript
from tests.chaos.toolcases import MODELS, SHAPES, TOOLS, Gated, Stage
from tests.chaos.tools import frames
from tests.chaos.verdict import Verdict
from tests.e2e.servers import Server

EXCUSED = ("worker_lost",)


@dataclass(frozen=True)
class Options:
    """`sessions` at a time, each of `turns` turns of two rounds. `prelude` makes a control."""

    seed: int = 1
    kills: int = 60
    sessions: int = 16
    turns: int = 3
    on_lost: str = "auto"
    patience_s: float = 40.0
    prelude: str = ""


@dataclass
class Storm:
    """One run; `go` returns what came of it."""

    options: Options
    stage: Stage
    killed: int = 0
    asked: int = 0
    transcripts: list[Transcript] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    async def go(self) -> Verdict:
        options, folder = self.options, self.stage.folder
        tools = TOOLS.replace("PAUSE_S = 0.0", "PAUSE_S = 0.03")
        (folder / "tools.py").write_text(tools, encoding="utf-8")
        config: dict[str, Any] = {**self.stage.settings(options.on_lost)}
        self._over = asyncio.Event()
        self._server = Server(folder / "server", config=config, prelude=options.prelude)
        try:
            await self._server.start()
            async with asyncio.TaskGroup() as group:
                for seat in range(options.sessions):
                    group.create_task(self._seat(seat))
                await self._kill()
                self._over.set()
        finally:
            self._server.stop()
        self._judge()
        return self.verdict

    async def _kill(self) -> None:
        dice = random.Random(f"{self.options.seed}/kills")
        while self.killed < self.options.kills:
            await asyncio.sleep(dice.choice([0.03, 0.2, 0.6]) * dice.random() * 2)
            self._server.kill9()
            self.killed += 1
            await self._server.start()

    async def _seat(self, seat: int) -> None:
        dice = random.Random(f"{self.options.seed}/{seat}")
        session = 0
        while not self._over.is_set():
            model = dice.choice(MODELS)
            for turn in range(self.options.turns):
                await self._turn(f"storm-{seat}-{session}", turn, model, dice)
            session += 1

    async def _turn(self, session: str, turn: int, model: str, dice: random.Random) -> None:
        """Its calls have numbers of their own in the session."""
        rounds = [
            [[name, {"number": turn * 2 + n}] for name in dice.choice(list(SHAPES.values()))]
            for n in range(2)
        ]
        orders = {"rounds": rounds, "words": 8, "pace_ms": 4}
        if dice.random() < 0.3:
            orders["said"] = "let me see "
        prompt = f"orders={json.dumps(orders)}"
        transcript = Transcript(_InSession(session, turn, prompt, model))
        self.transcripts.append(transcript)
        self.asked += 1
        follower = Follower(transcript, Place(self._server.port), dice, fickle=0.0)
        with suppress(TimeoutError):  # then it is stuck, and judged as that
            async with asyncio.timeout(self.options.patience_s):
                await follower.follow()

    def _judge(self) -> None:
        verdict = self.verdict
        for transcript in self.transcripts:
            verdict.frames += len(transcript.frames)
            verdict.connections += transcript.connections
            verdict.faults.update(transcript.faults)
            verdict.notes += transcript.notes
            if transcript.terminals != 1:
                verdict.fault("stuck", f"{transcript.asked.turn_id}: {len(transcript.frames)}")
                continue
            last = frames(transcript)[-1]
            verdict.endings[last.event] += 1
            if last.event != "turn.completed":
                code = last.data.get("code", "")
                verdict.codes[code] += 1
                if code not in EXCUSED:
                    verdict.fault("other failure", f"{last.data}")
        for (session, name, number), times in Counter(self.stage.effects).items():
            if name != "look" and times > 1:
                verdict.fault("ran twice", f"{session}: {name} {number}, {times} times")
        for refusal in self.stage.provider.refusals:
            verdict.fault("refused", refusal)


@dataclass
class _InSession(Asked):
    """A turn of a session that has others too."""

    def __init__(self, session: str, turn: int, prompt: str, model: str) -> None:
        super().__init__(
            f"{session}-{turn}", "native", "POST", prompt, began_at=time.monotonic(), model=model
        )
        self.session = session

    def request(self) -> tuple[str, str, dict[str, str], Any]:
        method, path, headers, body = super().request()
        return method, path, headers, {**body, "session_id": self.session}


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    began = time.monotonic()
    async with Gated() as provider:
        storm = Storm(options, Stage(folder, provider))
        verdict = await storm.go()
    title = "control: calls that may have run are run again" if options.prelude else "tools"
    return Outcome(
        f"{title} · random · on_lost {options.on_lost} · seed {options.seed}",
        verdict,
        [
            ("kill -9", storm.killed),
            ("seconds", f"{time.monotonic() - began:.0f}"),
            ("turns of two rounds of calls", storm.asked),
            ("model calls", len(provider.questions)),
            ("tools that ran", len(storm.stage.effects)),
        ],
        [] if storm.killed == options.kills else [f"only {storm.killed} kills"],
    )
