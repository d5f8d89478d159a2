"""A server dies while its turns stand at every step of their tool calls, and comes back.

One kill meets all cases at once. Then each turn has to end, once; a tool with effects must have
run at most once; and a strict provider has to take the next turn of each session.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.printing import Outcome
from tests.chaos.reading import Asked, Follower, Place, Transcript
from tests.chaos.toolcases import ROUNDS, WORDS, Case, Stage, cases
from tests.chaos.verdict import Verdict
from tests.e2e.provider import said
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, asking, parse

STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Options:
    """`prelude` makes a control of it."""

    on_lost: str = "auto"
    cases: list[Case] = field(default_factory=cases)
    prelude: str = ""
    seed: int = 1
    within_s: float = 60.0


@dataclass
class Deaths:
    """One kill, and what became of the turns."""

    options: Options
    stage: Stage
    verdict: Verdict = field(default_factory=Verdict)
    seen: dict[str, Transcript] = field(default_factory=dict)

    async def go(self) -> Verdict:
        options, stage = self.options, self.stage
        stage.arm()
        self._away = list(options.cases)
        self._server = Server(
            stage.folder / "server",
            config=stage.settings(options.on_lost),
            prelude=stage.prelude(options.prelude),
        )
        try:
            await self._server.start()
            async with asyncio.TaskGroup() as group:
                reading = [group.create_task(self._read(case)) for case in options.cases]
                await until(self._all_there, options.within_s)
                self._server.kill9()
                stage.disarm()
                await self._server.start()
                await asyncio.wait(reading, timeout=options.within_s)
                for task in reading:
                    task.cancel()
            for case in options.cases:
                await self._judge(case)
        finally:
            self._server.stop()
        self._judge_effects()
        for refusal in stage.provider.refusals:
            self.verdict.fault("refused", refusal)
        return self.verdict

    async def _read(self, case: Case) -> None:
        asked = Asked(
            case.key, "native", "POST", case.prompt, began_at=time.monotonic(), model=case.model
        )
        transcript = self.seen[case.key] = Transcript(asked)
        dice = random.Random(f"{self.options.seed}/{case.key}")
        place = Place(self._server.port)
        await Follower(transcript, place, dice, fickle=0.0).follow()

    def _all_there(self) -> bool:
        reached = self.stage.reached
        self._away = [case for case in self._away if not self._is_there(case, reached)]
        return not self._away

    def _is_there(self, case: Case, reached: set[str]) -> bool:
        if not case.signs <= reached:
            return False
        kinds = [frame.event for frame in frames(self.seen[case.key])]
        # Rounds before have texts too: the one that is cut is the last thing that was seen.
        if case.leaves_text and kinds[-1:] != ["text.delta"]:
            return False
        return all(kinds.count(kind) >= number for kind, number in case.due.items())

    async def _judge(self, case: Case) -> None:
        verdict, transcript = self.verdict, self.seen[case.key]
        verdict.frames += len(transcript.frames)
        verdict.connections += transcript.connections
        verdict.faults.update(transcript.faults)
        verdict.notes += transcript.notes
        if transcript.terminals != 1:
            verdict.fault("stuck", f"{case.key}: {transcript.terminals} terminals")
            return
        told = frames(transcript)
        verdict.endings[told[-1].event] += 1
        again = await self._events("GET", f"/turns/{transcript.asked.turn_id}/events")
        if [frame.raw for frame in again] != [frame.raw for frame in told]:
            verdict.fault("changed", f"{case.key} differs from its replay")
        self._judge_ending(case, told)
        self._judge_results(case, told)
        await self._judge_next(case)

    def _judge_ending(self, case: Case, told: list[Frame]) -> None:
        last = told[-1]
        if not case.ends_well(self.options.on_lost):
            if (last.event, last.data.get("code")) != ("turn.failed", "worker_lost"):
                self.verdict.fault("ending", f"{case.key} ended with {last.data}")
            return
        answers = [frame.data["message"] for frame in told if frame.event == "message.completed"]
        if last.event != "turn.completed" or len(answers) != 1:
            self.verdict.fault("ending", f"{case.key} ended with {last.data}")
        elif not answers[0]["parts"][0]["text"].endswith(said(WORDS)):
            self.verdict.fault("words", f"{case.key} said {answers[0]['parts']}")

    def _judge_results(self, case: Case, told: list[Frame]) -> None:
        """Each call has one result, and those whose fate is unknown say so."""
        called = {f.data["call_id"]: f.data for f in told if f.event == "tool.called"}
        finished = [f.data for f in told if f.event == "tool.finished"]
        if sorted(called) != sorted(result["call_id"] for result in finished):
            self.verdict.fault("results", f"{case.key}: {len(called)} calls, {len(finished)}")
            return
        for result in finished:
            call = called[result["call_id"]]
            unknown = _is_unknown(case, call["name"], json.loads(call["arguments"])["number"])
            as_told = (result.get("is_error", False), result["result"].startswith("interrupted"))
            if as_told != (unknown, unknown):
                self.verdict.fault("results", f"{case.key} {call['name']}: {result['result']}")

    async def _judge_next(self, case: Case) -> None:
        """The next turn of the session is taken, with all that has happened in it."""
        before = len(self.stage.provider.questions)
        orders = json.dumps({"key": f"next-{case.key}", "words": 2})
        body = {"input": f"orders={orders}", "session_id": case.key, "model": case.model}
        told = await self._events("POST", "/turns", body)
        if not told or told[-1].event != "turn.completed":
            self.verdict.fault("next turn", f"{case.key}: {told[-1].data if told else 'nothing'}")
            return
        asked = self.stage.provider.questions[before]
        rounds = sum(1 for message in asked.messages if message.calls)
        if case.ends_well(self.options.on_lost) and rounds != ROUNDS:
            self.verdict.fault("history", f"{case.key}: {rounds} rounds of calls are told")

    async def _events(self, method: str, path: str, body: Any = None) -> list[Frame]:
        async with (
            asyncio.timeout(20),
            asking(self._server.port, method, path, body=body, headers=STREAM) as answer,
        ):
            return [frame async for frame in answer.frames()] if answer.status == 200 else []

    def _judge_effects(self) -> None:
        """What changes the world has done so at most once for each call, what looks at least."""
        done = Counter(self.stage.effects)
        for (key, name, number), times in done.items():
            if name != "look" and times > 1:
                self.verdict.fault("ran twice", f"{key}: {name} of round {number}, {times} times")
        for case in self.options.cases:
            if case.ends_well(self.options.on_lost) and "look" in case.calls:
                for n in range(ROUNDS):
                    if not done[(case.key, "look", str(n))]:
                        self.verdict.fault("never ran", f"{case.key}: look of round {n}")


def frames(transcript: Transcript) -> list[Frame]:
    """What it has seen, in order."""
    return [parse(transcript.frames[n]) for n in sorted(transcript.frames)]


def _is_unknown(case: Case, name: str, number: int) -> bool:
    """Whether a call may have run without that its result was told, and may not run again."""
    if not case.is_lost_in_calls or number != case.round or name == "look":
        return False
    # Results are told in the order asked: of a quick one that was asked first it is known.
    return name == "act" or case.point == "CallTools" or case.calls[0] != "quick"


async def run(options: Options, folder: Path) -> Outcome:
    """One kill on a stage of its own."""
    stage = Stage(folder)
    began = time.monotonic()
    async with stage.provider:
        verdict = await Deaths(options, stage).go()
    title = "control" if options.prelude else "tools"
    return Outcome(
        f"{title} · on_lost {options.on_lost} · seed {options.seed}",
        verdict,
        [
            ("turns, each stopped at a point of its own", len(options.cases)),
            ("seconds", f"{time.monotonic() - began:.0f}"),
            ("model calls", len(stage.provider.questions)),
            ("tools that ran", len(stage.effects)),
        ],
    )
