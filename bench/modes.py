"""The loads that a target is put under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bench.frames import Recipe


@dataclass(frozen=True)
class Mode:
    """One load; times in seconds. `targets` empty means all of them."""

    name: str
    about: str
    recipe: Recipe
    slots: int
    warmup_s: float
    window_s: float
    ramp_s: float = 0.0
    drain_s: float = 60.0
    once: bool = False
    warm_connections: bool = False  # a short load before, so that only the streams' memory counts
    targets: tuple[str, ...] = ()
    most_rounds: int | None = None
    tools: bool = False  # a tool that does nothing is on offer
    fewer: Mapping[str, int] = field(default_factory=dict)  # slots of targets that bear no more

    def slots_for(self, target: str) -> int:
        """Streams at once."""
        return self.fewer.get(target, self.slots)

    @property
    def title(self) -> str:
        """The name as a heading."""
        return _TITLES.get(self.name, self.name.capitalize())


_TITLES = {"ttft": "Time to first token", "tools": "A round of a tool call"}

_ALL = (
    Mode(
        "paced",
        "200 streams, a token every 20 ms each (10,000 tokens/s offered), one token in a write",
        Recipe(100, interval_ms=20),
        slots=200,
        warmup_s=3,
        window_s=6,
        ramp_s=2,
    ),
    Mode(
        "burst",
        "50 streams of 320 tokens, 16 in each write, a write every 20 ms (40,000 tokens/s offered)",
        Recipe(320, interval_ms=20, events_per_write=16),
        slots=50,
        warmup_s=2,
        window_s=6,
        ramp_s=0.4,
    ),
    Mode(
        "ttft",
        "one stream of one token at a time: the time to its first token",
        Recipe(1),
        slots=1,
        warmup_s=1,
        window_s=3,
        targets=("talkwire", "naive", "nginx", "direct"),
    ),
    Mode(
        "tools",
        "as the one before, but the model calls a tool that does nothing before it answers",
        Recipe(1, calls=1),
        slots=1,
        warmup_s=1,
        window_s=3,
        tools=True,
        targets=("talkwire", "naive"),
    ),
    Mode(
        "saturated",
        "32 streams of 200 tokens without a pause",
        Recipe(200),
        slots=32,
        warmup_s=2,
        window_s=5,
        targets=("talkwire", "naive"),
    ),
    Mode(
        "open",
        "2,000 streams open at once, a token a second each; naive has 500, for it could not serve "
        "all in time and its SDK's client stops at 1,000 connections",
        Recipe(20, interval_ms=1000),
        slots=2000,
        warmup_s=12,
        window_s=6,
        ramp_s=8,
        drain_s=60,
        once=True,
        warm_connections=True,
        most_rounds=1,
        fewer={"naive": 500},
    ),
)


def _quicker(mode: Mode) -> Mode:
    if mode.name == "open":
        return replace(
            mode,
            about="300 streams open at once, a token a second each",
            recipe=Recipe(6, interval_ms=1000),
            slots=300,
            fewer={},
            warmup_s=3,
            window_s=2,
            ramp_s=2,
        )
    return replace(mode, warmup_s=mode.warmup_s / 2, window_s=2)


def modes(*, quick: bool) -> dict[str, Mode]:
    """All modes by name; the quick ones are shorter and too noisy to quote."""
    return {mode.name: _quicker(mode) if quick else mode for mode in _ALL}
