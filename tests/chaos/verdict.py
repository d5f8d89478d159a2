"""What the readers saw, held against a full replay, the words that were said, and the database."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.reading import TERMINALS, Asked, Transcript
from tests.chaos.stored import Rows
from tests.e2e.kept import text_of
from tests.e2e.provider import said
from tests.e2e.wire_client import ask, asking

_REPLAY_S = 10.0
FINAL = {"turn.completed": "completed", "turn.failed": "failed", "turn.aborted": "aborted"}


@dataclass
class Verdict:
    """Faults by kind; green only when there are none at all."""

    faults: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    endings: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    connections: int = 0
    gave_up: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)  # without the answer's own length
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        return not self.faults

    def fault(self, kind: str, note: str) -> None:
        self.faults[kind] += 1
        if len(self.notes) < 20:
            self.notes.append(f"{kind}: {note}")


async def judge(
    transcripts: Sequence[Transcript],
    port: int,
    rows: Rows,
    *,
    excused: frozenset[str] = frozenset({"worker_lost"}),
) -> Verdict:
    """All checks. The server at `port` runs and has been left in peace.

    `excused` are the codes that a turn may fail with.
    """
    verdict = Verdict()
    turns: dict[str, list[Transcript]] = defaultdict(list)
    for transcript in transcripts:
        turns[transcript.asked.key].append(transcript)
        verdict.frames += len(transcript.frames)
        verdict.connections += transcript.connections
        verdict.gave_up += transcript.gave_up
        verdict.faults.update(transcript.faults)
        verdict.troubles.update(transcript.troubles)
        verdict.notes += transcript.notes[: max(0, 20 - len(verdict.notes))]
    some_at_a_time = asyncio.Semaphore(8)

    async def one(seen: list[Transcript]) -> None:
        async with some_at_a_time:
            await _judge_turn(verdict, seen, port)

    await asyncio.gather(*(one(seen) for seen in turns.values()))
    for code in verdict.codes.keys() - excused:
        verdict.faults["other failure"] += verdict.codes[code]
    _judge_database(verdict, rows)
    return verdict


async def _judge_turn(verdict: Verdict, seen: list[Transcript], port: int) -> None:
    asked = seen[0].asked
    stuck = [t for t in seen if t.ended_at is None and not t.gave_up]
    for transcript in stuck:
        verdict.fault("stuck", f"{asked.turn_id} after {len(transcript.frames)} frames")
    if asked.turn_id is None:
        return
    replayed = await _replay(verdict, asked, port)
    for transcript in seen:
        _compare(verdict, transcript, replayed)
    native = await _frames(port, f"/turns/{asked.turn_id}/events")
    if native is None:
        verdict.fault("replay", f"{asked.turn_id} cannot be read natively")
        return
    status, record = await ask(port, "GET", f"/turns/{asked.turn_id}")
    _judge_content(verdict, asked, native, str(record.get("status")) if status == 200 else "?")
    _measure(verdict, seen)


def _measure(verdict: Verdict, seen: list[Transcript]) -> None:
    """How long until the first reader saw the end, and how much of that was the answer itself."""
    asked = seen[0].asked
    ended = [t.ended_at for t in seen if t.ended_at is not None]
    if not ended:
        return
    took_s = min(ended) - asked.began_at
    pace = re.search(r"pace_ms=(\d+)", asked.prompt)
    words = verdict.texts.get(asked.turn_id or "", "").count(" ")
    own_s = words * int(pace.group(1)) / 1000 if pace else 0.0
    verdict.times_s.append(took_s)
    verdict.waits_s.append(max(0.0, took_s - own_s))


async def _replay(verdict: Verdict, asked: Asked, port: int) -> list[bytes]:
    """The whole turn from its start, on its own wire."""
    if asked.wire == "native":
        frames = await _frames(port, f"/turns/{asked.turn_id}/events")
    elif asked.how == "POST":
        method, path, headers, body = asked.request()
        frames = await _frames(port, path, method, headers, body)
    else:
        # A GET's window has passed: its replay begins after frame 0, whose bytes all have seen.
        frames = await _frames(
            port, "/chat/stream", headers={"Last-Event-ID": f"{asked.turn_id}:0"}
        )
    if frames is None:
        verdict.fault("replay", f"{asked.turn_id} cannot be read again")
    return frames or []


async def _frames(
    port: int,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: object = None,
) -> list[bytes] | None:
    """None where it is refused, cut, or does not end in time."""
    try:
        async with (
            asyncio.timeout(_REPLAY_S),
            asking(port, method, path, headers=headers, body=body) as answer,
        ):
            if answer.status != 200:
                return None
            return [frame.raw async for frame in answer.frames()]
    except (OSError, TimeoutError):
        return None


def _compare(verdict: Verdict, transcript: Transcript, replayed: list[bytes]) -> None:
    frames, asked = transcript.frames, transcript.asked
    if transcript.ended_at is None or not replayed:
        return
    shown = [frames.get(n) for n in range(len(frames))]
    if asked.how == "GET":
        shown = shown[1:]
    if shown != replayed:
        first = next(
            (n for n, (a, b) in enumerate(zip(shown, replayed, strict=False)) if a != b),
            min(len(shown), len(replayed)),
        )
        verdict.fault("changed", f"{asked.turn_id} differs from its replay at {first}")


def _judge_content(verdict: Verdict, asked: Asked, native: list[bytes], status: str) -> None:
    """The events themselves: the grammar, one terminal, and each word once and in order."""
    events = [dict(line.split(b": ", 1) for line in raw.split(b"\n")) for raw in native]
    kinds = [event[b"event"].decode() for event in events]
    terminals = [kind for kind in kinds if kind in TERMINALS["native"]]
    if len(terminals) != 1 or kinds[-1] != terminals[0] or kinds[0] != "turn.started":
        verdict.fault("terminals", f"{asked.turn_id} has {terminals} in {len(kinds)} events")
        return
    verdict.endings[terminals[0]] += 1
    if status != FINAL[terminals[0]]:
        verdict.fault("status", f"{asked.turn_id} is {status} but ended with {terminals[0]}")
    deltas = (event for event, kind in zip(events, kinds, strict=True) if kind == "text.delta")
    text = "".join(json.loads(event[b"data"])["text"] for event in deltas)
    words = re.search(r"words=(\d+)", asked.prompt)
    whole = said(int(words.group(1))) if words else ""
    if text != whole and (terminals[0] == "turn.completed" or not whole.startswith(text)):
        verdict.fault("words", f"{asked.turn_id} ({terminals[0]}) said {text[-40:]!r}")
    verdict.texts[asked.turn_id or ""] = text
    if code := json.loads(events[-1][b"data"]).get("code"):
        verdict.codes[code] += 1


def _judge_database(verdict: Verdict, rows: Rows) -> None:
    """All turns ended, each with one log, one terminal in it, and the message that was told.

    Each turn was asked for in a session of its own.
    """
    turns: dict[str, str] = dict(rows("SELECT turn_id, status FROM turns"))
    sessions = Counter(row[0] for row in rows("SELECT session_id FROM turns"))
    logs = {row[0]: row[1:] for row in rows("SELECT turn_id, count, payload FROM turn_logs")}
    usage = Counter(row[0] for row in rows("SELECT turn_id FROM usage"))
    for turn_id in verdict.texts.keys() - turns.keys():
        verdict.fault("lost", f"{turn_id} was promised and is not in the database")
    for turn_id, status in turns.items():
        if status not in FINAL.values():
            verdict.fault("stuck", f"{turn_id} is {status} in the database")
            continue
        count, payload = logs.get(turn_id, (0, "[]"))
        events = json.loads(payload)
        ends = [n for n, _, event in events if event["kind"] in FINAL]
        numbers = [n for n, _, _ in events]
        if numbers != list(range(count)) or ends != [count - 1] or count == 0:
            verdict.fault("database", f"the log of {turn_id}: {count} events, ends {ends}")
        if usage[turn_id] != 1:
            verdict.fault("database", f"{turn_id} has {usage[turn_id]} usage rows")
    for key, times in sessions.items():
        if times != 1:
            verdict.fault("second turn", f"{key} has {times} turns")
    _judge_messages(verdict, rows)


def _judge_messages(verdict: Verdict, rows: Rows) -> None:
    """History is what was told: one answer a turn, with the very words of its stream."""
    answers: dict[str, list[str]] = defaultdict(list)
    for turn_id, payload in rows("SELECT turn_id, payload FROM messages"):
        message = json.loads(payload)
        if message["role"] == "assistant":
            answers[turn_id].append(text_of(message))
    for turn_id, told in verdict.texts.items():
        if [text for text in answers[turn_id] if text] != ([told] if told else []):
            held = [text[-30:] for text in answers[turn_id]]
            verdict.fault("history", f"{turn_id} told …{told[-30:]!r}, the database has {held}")
