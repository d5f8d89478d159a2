"""Many clients post the same thing at once to all nodes, while nodes are killed: one turn each."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.printing import Outcome
from tests.chaos.reading import RETRIED
from tests.chaos.scene import Scene, Setup, staged
from tests.chaos.verdict import Verdict
from tests.e2e.wire_client import Answer, asking

# What makes a control of it: the server as if it did not know the header.
FORGETFUL = "import talkwire.stores.starting as s; s._known = lambda connection, new: None"


@dataclass(frozen=True)
class Options:
    """`keys` idempotency keys, each posted `posts` times at once, `at_a_time` keys together."""

    seed: int = 1
    keys: int = 200
    posts: int = 50
    kills: int = 10
    at_a_time: int = 4
    patience_s: float = 60.0
    setup: Setup = field(default_factory=lambda: Setup(nodes=4))

    @property
    def title(self) -> str:
        return "control: idempotency off" if self.setup.prelude else "posts"


@dataclass
class Posting:
    """What the posts were answered with."""

    options: Options
    scene: Scene
    verdict: Verdict = field(default_factory=Verdict)
    turns: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    answered: int = 0

    async def one(self, key: str) -> None:
        """All posts of one key."""
        dice = random.Random(f"{self.options.seed}/{key}")
        posts = [self._post(key, random.Random(dice.random())) for _ in range(self.options.posts)]
        await asyncio.gather(*posts)

    async def _post(self, key: str, dice: random.Random) -> None:
        until = time.monotonic() + self.options.patience_s
        body = {"input": f"{key} words=3 pace_ms=2", "session_id": key}
        headers = {"Accept": "text/event-stream", "Idempotency-Key": key}
        while time.monotonic() < until:
            try:
                self.verdict.connections += 1
                port = self.scene.fleet.port
                async with asking(
                    port, "POST", "/turns", body=body, headers=headers, within_s=10
                ) as answer:
                    if await self._took(key, answer):
                        return
            except (OSError, TimeoutError) as trouble:
                self.verdict.troubles[f"no answer: {type(trouble).__name__}"] += 1
            await asyncio.sleep(dice.uniform(0.02, 0.2))
        self.verdict.fault("stuck", f"a post of {key} was never answered")

    async def _took(self, key: str, answer: Answer) -> bool:
        if answer.status == 200:
            self.turns[key].add(answer.headers["x-turn-id"])
            self.answered += 1
            return True
        if answer.status not in RETRIED or "retry-after" not in answer.headers:
            said = (await answer.body())[:120]
            self.verdict.fault(f"status {answer.status}", f"{key}: {said!r}")
            return answer.status not in RETRIED
        self.verdict.troubles[f"status {answer.status}"] += 1
        return False


async def run(options: Options, folder: Path) -> Outcome:
    """One storm on a stage of its own."""
    async with staged(folder, options.setup, options.seed) as scene:
        posting = Posting(options, scene)
        dice = random.Random(f"{options.seed}/kills")
        keys = [f"key-{k}" for k in range(options.keys)]
        kills = sorted(dice.sample(range(options.keys), min(options.kills, options.keys)))
        some = asyncio.Semaphore(options.at_a_time)
        killed = 0
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, key in enumerate(keys):
                await some.acquire()
                group.create_task(posting.one(key)).add_done_callback(lambda _: some.release())
                if killed < len(kills) and number == kills[killed]:
                    await asyncio.sleep(dice.uniform(0.0, 0.1))
                    await scene.fleet.settled(2)
                    scene.fleet.kill(dice.choice(scene.fleet.up))
                    killed += 1
        took_s = time.monotonic() - began
        await scene.fleet.settled(options.setup.nodes)
        await scene.quiet()
        rows = await asyncio.to_thread(scene.rows, "SELECT turn_id, session_id FROM turns")
        calls = _judge(posting, rows, await _adopted(scene))
        return Outcome(
            f"{options.title} · seed {options.seed}",
            posting.verdict,
            [
                ("nodes", options.setup.nodes),
                ("seconds", f"{took_s:.0f}"),
                ("kill -9", killed),
                ("keys, each posted so many times at once", f"{options.keys} × {options.posts}"),
                ("posts answered with 200", posting.answered),
                ("turns", len(rows)),
                ("model calls", len(scene.provider.calls)),
                ("  of which after a node's death", calls),
                ("tracebacks in the nodes' logs", scene.tracebacks),
            ],
            [] if killed == options.kills else [f"only {killed} kills"],
        )


async def _adopted(scene: Scene) -> Counter[str]:
    """How often each turn was taken over: only that may cost one more call."""
    found: Counter[str] = Counter()
    for turn_id, payload in await asyncio.to_thread(
        scene.rows, "SELECT turn_id, payload FROM turn_logs"
    ):
        found[turn_id] = payload.count('"turn.adopted"')
    return found


def _judge(posting: Posting, rows: list[tuple[Any, ...]], adopted: Counter[str]) -> int:
    """How many calls were made again after a take-over; all others are faults."""
    verdict = posting.verdict
    stored: dict[str, list[str]] = defaultdict(list)
    for turn_id, session_id in rows:
        stored[session_id].append(turn_id)
    for key, told in posting.turns.items():
        if len(told) != 1 or set(stored[key]) != told:
            verdict.fault("second turn", f"{key}: told {sorted(told)}, stored {stored[key]}")
    if len(stored) != posting.options.keys:
        verdict.fault("lost", f"{len(stored)} sessions of {posting.options.keys} keys")
    called = Counter(call.prompt.split(" ", 1)[0] for call in posting.scene.provider.calls)
    again = 0
    for key, times in called.items():
        allowed = sum(1 + adopted[turn_id] for turn_id in stored[key][:1])
        again += min(times, allowed) - 1
        if times > allowed:
            verdict.fault("called twice", f"{key}: {times} calls, {allowed} allowed")
    for key in stored.keys() - called.keys():
        verdict.fault("not called", key)
    return again
