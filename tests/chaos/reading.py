"""One client of one turn: it follows the stream through every loss, and notes what it saw.

It knows what a browser knows: its request, and the last id it has seen. It repeats the request
until it has an id, and then resumes from that id until it is told 204.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from tests.chaos.hurried import Hurried
from tests.e2e.wire_client import Answer, Frame, asking

JOINED_FOR_S = 8.0  # an identical GET joins the first one's turn for 10 s, and starts another later
TERMINALS = {
    "native": {"turn.completed", "turn.failed", "turn.aborted"},
    "responses-sse": {"response.completed", "response.failed", "response.incomplete"},
}
RETRIED = {429, 502, 503}


@dataclass
class Asked:
    """A turn as its clients ask for it. `how`: a POST with an idempotency key, or a plain GET."""

    key: str
    wire: str
    how: str
    prompt: str
    began_at: float = 0.0
    turn_id: str | None = None
    model: str | None = None

    def request(self) -> tuple[str, str, dict[str, str], Any]:
        """Method, path, headers and body that start the turn, or join it."""
        accept = {"Accept": "text/event-stream"}
        asked = {"input": self.prompt} | ({"model": self.model} if self.model else {})
        if self.how == "GET":
            query = urlencode({**asked, "sessionId": self.key})
            return "GET", f"/chat/stream?{query}", accept, None
        headers = {**accept, "Idempotency-Key": self.key}
        if self.wire == "native":
            return "POST", "/turns", headers, {**asked, "session_id": self.key}
        return "POST", "/chat/stream", headers, {**asked, "sessionId": self.key}

    def resume(self, last_id: str, dice: random.Random) -> tuple[str, str, dict[str, str], Any]:
        """The same with a cursor, by any of the ways that the wire offers."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last_id}
        if dice.random() < 0.5:
            method, path, first, body = self.request()
            return method, path, {**first, **headers}, body
        turn_id = last_id.rpartition(":")[0]
        path = f"/turns/{turn_id}/events" if self.wire == "native" else "/chat/stream"
        return "GET", path, headers, None


class Where(Protocol):
    """Where to connect next; `moved` is set when one had better leave where one is."""

    @property
    def port(self) -> int: ...
    @property
    def moved(self) -> asyncio.Event: ...


class Place:
    """Where the server is now. It moves when another process takes over."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.moved = asyncio.Event()

    def move(self, port: int) -> None:
        self.port = port
        self.moved.set()
        self.moved = asyncio.Event()


@dataclass
class Transcript:
    """What one reader saw: the bytes of every frame by number, and all that must not be."""

    asked: Asked
    frames: dict[int, bytes] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)  # what a client has to bear, and does
    terminals: int = 0
    connections: int = 0
    last_id: str | None = None
    gave_up: bool = False
    ended_at: float | None = None

    def fault(self, kind: str, note: str) -> None:
        self.faults[kind] += 1
        if len(self.notes) < 5:
            self.notes.append(f"{kind}: {note}")

    def take(self, frame: Frame, terminals: set[str]) -> None:
        """One more frame; its number must be the next one, and nothing comes after the end."""
        turn_id, _, number = (frame.id or "").rpartition(":")
        if not turn_id or not number.isdigit():
            self.fault("malformed", repr(frame.raw[:80]))
            return
        self.last_id = frame.id
        if self.asked.turn_id is None:
            self.asked.turn_id = turn_id
        elif self.asked.turn_id != turn_id:
            self.fault("second turn", f"{turn_id} beside {self.asked.turn_id}")
        self._place(int(number), frame)
        if frame.event in terminals:
            self.terminals += 1
            self.ended_at = self.ended_at or time.monotonic()
            if self.terminals > 1:
                self.fault("terminals", f"{frame.event} is one too many")

    def _place(self, number: int, frame: Frame) -> None:
        due = len(self.frames)
        if number in self.frames:
            same = self.frames[number] == frame.raw
            self.fault("doubled" if same else "changed", f"{number} when {due} was due")
        elif number != due:
            self.fault("lost" if number > due else "reordered", f"{number} when {due} was due")
        elif self.terminals:
            self.fault("terminals", f"{frame.event} after the terminal frame")
        self.frames.setdefault(number, frame.raw)


@dataclass
class Follower:
    """Reads one turn to its end. A `stubborn` one stays with a process until that lets it go."""

    transcript: Transcript
    place: Where
    dice: random.Random
    stubborn: bool = False
    fickle: float = 0.004  # how likely a frame is the last one of its connection
    quiet_s: float | None = None  # a stream that shows no life for so long is left
    joined_s: float = JOINED_FOR_S
    on_frame: Callable[[], None] = lambda: None
    on_started: Callable[[], None] = lambda: None

    async def follow(self) -> None:
        """Until 204; the caller bounds it."""
        while True:
            if self._too_late() or await self._once():
                return
            await asyncio.sleep(self.dice.uniform(0.01, 0.12))

    def _too_late(self) -> bool:
        """A GET that has got no id for so long would begin another turn, as the contract says."""
        transcript = self.transcript
        old = time.monotonic() - transcript.asked.began_at > self.joined_s
        transcript.gave_up = transcript.asked.how == "GET" and not transcript.frames and old
        return transcript.gave_up

    async def _once(self) -> bool:
        asked, last_id = self.transcript.asked, self.transcript.last_id
        if last_id is not None:
            method, path, headers, body = asked.resume(last_id, self.dice)
        else:
            method, path, headers, body = asked.request()
        moved, met = self.place.moved, "no answer"
        try:
            self.transcript.connections += 1
            async with asking(
                self.place.port, method, path, body=body, headers=headers, within_s=2.0
            ) as answer:
                met = "stream"
                if answer.status == 200:
                    self._accepted(answer)
                    await self._read_unless(moved, answer)
                    return False
                return await self._refused(answer)
        except (OSError, TimeoutError) as trouble:
            self.transcript.troubles[f"{met}: {type(trouble).__name__}"] += 1
            return False

    def _accepted(self, answer: Answer) -> None:
        """From now on the turn is promised: it must be there, whatever becomes of this stream."""
        asked, turn_id = self.transcript.asked, answer.headers.get("x-turn-id")
        if asked.turn_id is None and turn_id:
            asked.turn_id = turn_id
            self.on_started()
        elif turn_id and turn_id != asked.turn_id:
            self.transcript.fault("second turn", f"{turn_id} beside {asked.turn_id}")
        if self.quiet_s is not None:
            answer._reader = Hurried(answer._reader, self.quiet_s)

    async def _refused(self, answer: Answer) -> bool:
        if answer.status == 204:
            if not self.transcript.terminals:
                self.transcript.fault("terminals", "204 before the terminal frame")
            return True
        if answer.status not in RETRIED:
            async with asyncio.timeout(2):
                said = (await answer.body())[:120]
            kind = "lost" if answer.status in (400, 404) else f"status {answer.status}"
            self.transcript.fault(kind, f"{answer.status} {said!r}")
            return kind == "lost"
        self.transcript.troubles[f"status {answer.status}"] += 1
        if "retry-after" not in answer.headers:
            async with asyncio.timeout(2):
                said = (await answer.body())[:200]
            self.transcript.fault("no Retry-After", f"{answer.status} {said!r}")
        return False

    async def _read_unless(self, moved: asyncio.Event, answer: Answer) -> None:
        reading = asyncio.create_task(self._read(answer))
        leaving = asyncio.create_task(moved.wait())
        waited = {reading} if self.stubborn else {reading, leaving}
        # A process that was stopped and ended without waking would hold its readers for ever.
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        finally:
            for task in (reading, leaving):
                task.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)
        if not reading.cancelled() and (error := reading.exception()):
            raise error

    async def _read(self, answer: Answer) -> None:
        terminals = TERMINALS[self.transcript.asked.wire]
        async for frame in answer.frames():
            self.on_frame()
            self.transcript.take(frame, terminals)
            if self.dice.random() < self.fickle:
                return
