"""Where a turn with tools can be when its server dies: two rounds of calls, then the answer.

A case is one turn that is stopped at one point of one round. Its name is its session's, and all
that stops it there knows it by its name.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.strict import Question, Strict

ROUNDS = 2
WORDS = 6
SHAPES: dict[str, tuple[str, ...]] = {
    "act": ("act",),
    "look": ("look",),
    "first": ("quick", "act", "look"),
    "last": ("look", "act", "quick"),
}
MODELS = ("chat", "responses", "prefill")
TOOL_POINTS = ("CallTools", "begun", "done")
POINTS = [
    *itertools.product(("CallModel", "asked", "half"), range(ROUNDS + 1)),
    *itertools.product(TOOL_POINTS, range(ROUNDS)),
]

TOOLS = '''
"""Tools that leave a line for each time they have run, and wait where they are told to."""

import asyncio
from pathlib import Path

from talkwire.canon.tools import CallContext
from talkwire.tools import tool

HERE = Path(__file__).parent
PAUSE_S = 0.0


async def work(name: str, number: int, context: CallContext) -> str:
    key = context.session_id
    await held("begun", name, number, key)
    await asyncio.sleep(PAUSE_S)
    with (HERE / "effects").open("a") as effects:
        effects.write(f"{key} {name} {number}\\n")
    await asyncio.sleep(PAUSE_S)
    await held("done", name, number, key)
    return f"{name} {number} is done"


async def held(point: str, name: str, number: int, key: str) -> None:
    if name != "quick" and key.startswith(f"{point}-{number}-") and (HERE / "armed").exists():
        (HERE / "reached" / f"{key}.{name}").touch()
        await asyncio.Event().wait()


@tool
async def act(number: int, context: CallContext) -> str:
    "Changes the world."
    return await work("act", number, context)


@tool
async def quick(number: int, context: CallContext) -> str:
    "Changes the world, at once."
    return await work("quick", number, context)


@tool(idempotent=True)
async def look(number: int, context: CallContext) -> str:
    "Changes nothing that matters."
    return await work("look", number, context)
'''

GATES = """
import asyncio
from pathlib import Path
from talkwire.engine.perform import Performer

def gated(plain, folder):
    async def perform(self, step, live, routed):
        number = sum(1 for message in live.state.rounds if message.calls)
        point = f"{type(step).__name__}-{number}-"
        if live.session_id.startswith(point) and (folder / "armed").exists():
            (folder / "reached" / live.session_id).touch()
            await asyncio.Event().wait()
        await plain(self, step, live, routed)
    return perform

Performer.perform = gated(Performer.perform, Path("FOLDER"))
"""

# What makes controls of it: calls that may have run are run again …
AGAIN = """
from talkwire.engine.calls import Calls

def forgetful(plain):
    return lambda *given, **named: plain(*given, **{**named, "interrupted": False})

Calls.run = forgetful(Calls.run)
"""
# … and after the death results are left out of what the model is told.
ORPHANS = """
from pathlib import Path
import talkwire.engine.perform as performing

def orphaned(plain, armed):
    def fit(history, bounds):
        kept = plain(history, bounds)
        return kept if armed.exists() else tuple(each for each in kept if each.role != "tool")
    return fit

performing.fit = orphaned(performing.fit, Path("FOLDER") / "armed")
"""


@dataclass(frozen=True)
class Case:
    """One turn, and where it is stopped."""

    point: str
    round: int
    shape: str
    model: str

    @property
    def key(self) -> str:
        return f"{self.point}-{self.round}-{self.shape}-{self.model}"

    @property
    def calls(self) -> tuple[str, ...]:
        """The tools of each round."""
        return SHAPES[self.shape]

    @property
    def prompt(self) -> str:
        rounds = [[[name, {"number": n}] for name in self.calls] for n in range(ROUNDS)]
        orders: dict[str, Any] = {"key": self.key, "rounds": rounds, "words": WORDS}
        if len(self.calls) > 1:
            orders["said"] = "let me see "
        return f"Do it. orders={json.dumps(orders)}"

    @property
    def signs(self) -> set[str]:
        """The names of those that wait once it has come to its point."""
        if self.point in ("begun", "done"):
            return {f"{self.key}.{name}" for name in self.calls if name != "quick"}
        return {self.key}

    @property
    def leaves_text(self) -> bool:
        """Its answer is cut in the midst of a text."""
        return self.point == "half" and (self.round == ROUNDS or len(self.calls) > 1)

    @property
    def is_lost_in_calls(self) -> bool:
        return self.point in TOOL_POINTS

    @property
    def due(self) -> dict[str, int]:
        """How many events of each kind its readers have to see before it is stopped."""
        several = len(self.calls)
        first_is_done = self.point in ("begun", "done") and self.calls[0] == "quick"
        return {
            "tool.called": several * (self.round + self.is_lost_in_calls),
            "tool.finished": several * self.round + first_is_done,
        }

    def ends_well(self, on_lost: str) -> bool:
        """Whether the turn is carried on to its end; else it is closed as `worker_lost`."""
        goes_on = on_lost == "continue" or (on_lost == "auto" and self.model == "prefill")
        return goes_on or not self.leaves_text


def cases(shapes: Sequence[str] = tuple(SHAPES), models: Sequence[str] = MODELS) -> list[Case]:
    """All of them; a model with prefill differs from others only where a text was cut."""
    found = [
        Case(point, number, shape, model)
        for (point, number), shape, model in itertools.product(POINTS, shapes, models)
    ]
    return [case for case in found if case.model != "prefill" or case.leaves_text]


@dataclass
class Stage:
    """The folder through which the gates of a server are armed and tell that they are reached."""

    folder: Path
    provider: Gated = field(default_factory=lambda: Gated())

    def arm(self) -> None:
        (self.folder / "reached").mkdir(parents=True)
        (self.folder / "armed").touch()
        (self.folder / "tools.py").write_text(TOOLS, encoding="utf-8")
        self.provider.armed = True

    def disarm(self) -> None:
        (self.folder / "armed").unlink()
        self.provider.armed = False

    @property
    def reached(self) -> set[str]:
        return {sign.name for sign in (self.folder / "reached").iterdir()} | self.provider.held

    @property
    def effects(self) -> list[tuple[str, ...]]:
        """Session, tool and round of each time that a tool has run."""
        path = self.folder / "effects"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [tuple(line.split()) for line in lines]

    def settings(self, on_lost: str) -> dict[str, Any]:
        provider = self.provider
        prefill = provider.model("chat", name="prefill", continuation="prefill")
        return {
            "models": [provider.model("chat"), provider.model("responses"), prefill],
            "tools": {"module": str(self.folder / "tools.py")},
            "turns": {"on_lost": on_lost},
        }

    def prelude(self, more: str) -> str:
        """What stops turns inside of the server, and more of that kind."""
        return f"{GATES}\n{more}".replace("FOLDER", str(self.folder))


class Gated(Strict):
    """The strict provider, which stops the cases that are to die while it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = False
        self.held: set[str] = set()

    async def hold(self, question: Question, point: str) -> None:
        key = str(question.orders.get("key", ""))
        if self.armed and key.startswith(f"{point}-{question.round}-"):
            self.held.add(key)
            await asyncio.Event().wait()
