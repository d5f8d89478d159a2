"""Writes the figures of a run as the page `docs/performance.md`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.goals import (
    GOALS,
    Figure,
    Span,
    added_by_a_call,
    added_ms,
    figures,
    gap,
    memory,
    per_cpu,
    ratios,
    span,
    ttft,
    turn_ms,
)
from bench.modes import Mode
from bench.rounds import Sample

_ORDER = ("talkwire", "naive", "nginx", "direct")


@dataclass(frozen=True)
class Circumstances:
    """How a run was made. `date` is ISO; `busy` the load average before and after."""

    date: str
    command: str
    machine: str
    versions: Mapping[str, str]
    pinning: str
    busy: str
    missing: Mapping[str, str]


def render(samples: Sequence[Sample], modes: Sequence[Mode], how: Circumstances) -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION, _circumstances(samples, how), _goals(samples)]
    parts += [_mode(samples, mode) for mode in modes if _targets(samples, mode.name)]
    parts.append(_TRUST)
    return "\n\n".join(part.strip() for part in parts) + "\n"


_INTRODUCTION = """
# Performance

What a streamed token costs in Talkwire, next to the server one would write without it and next to
the least that a server between a client and a model can do. This page is written by `make bench`;
run it on your own machine, for only the ratios of one run on one machine say anything.

- **talkwire**: as it is shipped: each event in the journal on disk before a reader sees it, each
  session and message stored, event numbers to resume from. Only its log level is raised to
  `warning`.
- **naive**: FastAPI, uvicorn, the openai SDK and sse-starlette, sessions in a dict
  (`bench/naive.py`).
- **nginx**: one worker that relays the upstream's bytes unbuffered. It parses no event and stores
  nothing: the practical limit, not a rival.

The upstream is `bench/upstream.py`, which speaks OpenAI's Responses API from ready-made bytes;
the load is `bench/load.py`. Talkwire and naive are asked through the responses-sse wire, `POST
/chat/stream`, with a new session for each request; nginx is asked in the upstream's own dialect.
Every stream is checked: a stream without exactly the expected tokens and its terminal frame is an
error.
"""

_TRUST = """
## What to trust

1. **Ratios, not absolute figures**, and those of one run: they are formed within a round, in
   which the targets run one after another. Where other work shares the machine, all absolute
   figures suffer.
2. **CPU seconds before wall-clock figures.** Tokens per CPU-second is user and system time of the
   server's whole process tree, as the kernel accounts it; it changes least with a busy machine.
3. In *paced* most of a token's cost is the kernel's (a read, a write, a wake-up for each), which
   no server can save; in *burst* it is the codec's. A server that falls behind is given more
   tokens in a read, so *saturated* is comparable between slow servers only: never against nginx.
4. A server that is past its capacity (naive in *paced* and *burst*) shows the times of an
   overloaded server. A stream without a first token when the window closed counts with the time
   it had waited.
5. The upstream and the load share a CPU, the target has the other: a target pays wake-ups across
   CPUs that *direct* does not. The upstream's timers tick in whole milliseconds; streams are
   spread over the interval.
6. Memory is resident memory in user space, its growth from a warmed-up server to its peak,
   divided by the streams that were open at once. Socket buffers of the kernel are not in it.
7. What a round of a tool call adds is the difference between two loads of one round of this run,
   each with one turn at a time: *tools* minus *ttft*. In it are the call, running a tool that does
   nothing, its result, and the second question to the model; for Talkwire also the wait until the
   call is on disk, before which no tool begins.
8. Not measured: TLS, HTTP/2, more than one process, long histories, slow tools, slow readers, real
   networks.
"""


def _circumstances(samples: Sequence[Sample], how: Circumstances) -> str:
    rounds = max((one.round for one in samples), default=0)
    versions = ", ".join(f"{name} {version}" for name, version in how.versions.items())
    plural = "1 round" if rounds == 1 else f"{rounds} rounds"
    lines = [
        "## The run",
        "",
        f"- {how.date}, `{how.command}`, {plural}, targets interleaved",
        f"- {how.machine}; {how.pinning}",
        f"- {versions}",
        f"- load average of the machine before and after: {how.busy}",
        f"- other work on the target's CPU, % of the windows: {show(_others(samples))}",
        f"- {_errors(samples)}",
    ]
    lines += [f"- without {name}: {why}" for name, why in how.missing.items()]
    return "\n".join(lines)


def _others(samples: Sequence[Sample]) -> Span:
    return span([100 * one.measured.others_cpu_s / one.measured.window_s for one in samples])


def _errors(samples: Sequence[Sample]) -> str:
    whole = sum(one.measured.streams_ok for one in samples)
    failed = [one for one in samples if one.measured.streams_failed]
    if not failed:
        return f"errors: 0 of {whole:,} streams"
    told = "; ".join(
        f"{one.target} under {one.mode}: {one.measured.streams_failed} "
        f"({', '.join(sorted(set(one.measured.reasons)))})"
        for one in failed
    )
    return f"**errors, so that no figure below is valid**: {told}"


def _goals(samples: Sequence[Sample]) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    lines = ["## Goals", "", "| | goal | least / middle / greatest | met |", "|---|---|---|---|"]
    for goal in GOALS:
        sign = "≥" if goal.at_least else "≤"
        found = show(goal.of(samples))
        lines.append(
            f"| {goal.about} | {sign} {goal.bound:g} {goal.unit} | {found} "
            f"| {words[goal.met(samples)]} |"
        )
    return "\n".join([*lines, "", "A goal is held against the middle of the rounds."])


def _targets(samples: Sequence[Sample], mode: str) -> list[str]:
    seen = {one.target for one in samples if one.mode == mode}
    return [name for name in _ORDER if name in seen]


def _mode(samples: Sequence[Sample], mode: Mode) -> str:
    about = mode.about[0].upper() + mode.about[1:]
    columns = _COLUMNS.get(mode.name, _THROUGHPUT)
    head = " | ".join(title for title, _ in columns)
    lines = [f"## {mode.title}", "", f"{about}.", "", f"| | {head} |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for target in _targets(samples, mode.name):
        cells = (show(cell(samples, mode.name, target)) for _, cell in columns)
        lines.append(f"| {target} | {' | '.join(cells)} |")
    return "\n".join(lines)


def show(span: Span) -> str:
    """`least / middle / greatest`, one figure where they are equal, a dash for none."""
    if not span:
        return "–"
    texts = [_digits(value) for value in (span.low, span.middle, span.high)]
    return texts[1] if len(set(texts)) == 1 else " / ".join(texts)


def _digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


Cell = Callable[[Sequence[Sample], str, str], Span]


def _plain(figure: Figure) -> Cell:
    return lambda samples, mode, target: figures(samples, mode, target, figure)


def _times(other: str, figure: Figure) -> Cell:
    def cell(samples: Sequence[Sample], mode: str, target: str) -> Span:
        # The yardsticks need no ratio to themselves.
        if target in (other, "direct"):
            return Span(math.nan, math.nan, math.nan)
        return ratios(samples, mode, target, other, figure)

    return cell


def _added(samples: Sequence[Sample], mode: str, target: str) -> Span:
    if target == "direct":
        return Span(math.nan, math.nan, math.nan)
    return added_ms(samples, target)


def _by_a_call(figure: Figure) -> Cell:
    return lambda samples, mode, target: added_by_a_call(samples, target, figure)


_COST = ("tokens per CPU-second", _plain(per_cpu))
_COST_US = ("µs CPU per token", _plain(lambda one: 1e6 / one.tokens_per_cpu_s))
_RATE = ("tokens/s", _plain(lambda one: one.tokens / one.window_s))
_SHARE = ("CPU, % of one", _plain(lambda one: 100 * one.cpu_share))
_READ = ("tokens per read", _plain(lambda one: one.tokens_per_read))
_FIRST = ("first token p50, ms", _plain(ttft))
_GAP = ("gap p99, ms", _plain(gap))
_THROUGHPUT: tuple[tuple[str, Cell], ...] = (
    _COST,
    _COST_US,
    ("× naive", _times("naive", per_cpu)),
    ("× nginx", _times("nginx", per_cpu)),
    _RATE,
    _SHARE,
    _READ,
    _FIRST,
    _GAP,
)
_COLUMNS: dict[str, tuple[tuple[str, Cell], ...]] = {
    "saturated": (_COST, _COST_US, ("× naive", _times("naive", per_cpu)), _RATE, _SHARE, _FIRST),
    "ttft": (
        _FIRST,
        ("added to the upstream's own, ms", _added),
        ("p50 × naive", _times("naive", ttft)),
        ("p99, ms", _plain(lambda one: one.ttft_p99_ms)),
        ("requests", _plain(lambda one: one.requests)),
    ),
    "tools": (
        _FIRST,
        ("added by the round p50, ms", _by_a_call(ttft)),
        ("CPU of the turn, ms", _plain(turn_ms)),
        ("CPU added by the round, ms", _by_a_call(turn_ms)),
        ("turn's CPU × naive", _times("naive", turn_ms)),
        ("requests", _plain(lambda one: one.requests)),
    ),
    "open": (
        ("open at once", _plain(lambda one: one.max_open)),
        ("KiB per open stream", _plain(memory)),
        _RATE,
        _SHARE,
        _GAP,
    ),
}
