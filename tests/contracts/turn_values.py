"""Turns as values: what the engine would say, without the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from time import monotonic
from typing import Any

from msgspec.structs import replace

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import (
    AnyEvent,
    Stamped,
    TextDelta,
    ToolApprovalRequested,
    TurnAborted,
    TurnCompleted,
)
from talkwire.canon.records import Idempotency, NewTurn, Outcome, Started, Usage
from talkwire.canon.turn import (
    Message,
    OnBusy,
    TextPart,
    TurnRequest,
    answer_message_id,
    text_message,
)

NOW = 1_790_000_000_000
_numbers = count(1)


def turn_id() -> str:
    """A new id, in order."""
    return f"t_{next(_numbers):026d}"


def new_turn(
    session_id: str = "s_1",
    *,
    owner: str = "ann",
    text: str = "Hi",
    parent_id: str | None = None,
    at: int = NOW,
    on_busy: OnBusy = "queue",
    max_waiting: int = 3,
    ttl_s: float = 60,
    key: str | None = None,
    fingerprint: str = "f",
    key_id: str | None = None,
) -> NewTurn:
    parts = (TextPart(text),) if text else ()
    return NewTurn(
        turn_id=turn_id(),
        owner=owner,
        request=TurnRequest(session_id, "native", parts, parent_id=parent_id),
        at=at,
        on_busy=on_busy,
        max_waiting=max_waiting,
        session_ttl_s=ttl_s,
        idempotency=Idempotency(key, fingerprint, 60) if key else None,
        key_id=key_id,
    )


def deltas(first_n: int, *texts: str) -> list[Stamped]:
    return [Stamped(first_n + i, NOW, TextDelta(text)) for i, text in enumerate(texts)]


def outcome(
    started: Started,
    said: Sequence[Stamped] = (),
    *,
    text: str = "Hello",
    aborted: bool = False,
    at: int = NOW + 1000,
) -> Outcome:
    """The end of a turn after the events that were said (from n = 1 on)."""
    record, (first,) = started.record, started.events
    parent_id: str | None = getattr(first.event, "parent_id", None)
    answer: Message = text_message(answer_message_id(record.turn_id), "assistant", text)
    terminal = TurnAborted("client") if aborted else TurnCompleted("stop")
    event: AnyEvent = terminal
    last = Stamped(1 + len(said), at, event)
    return Outcome(
        turn_id=record.turn_id,
        owner=record.owner,
        session_id=record.session_id,
        status="aborted" if aborted else "completed",
        terminal=terminal,
        tail=(last,),
        log=(first, *said, last),
        messages=(answer,),
        parent_id=parent_id,
        usage=Usage(3, 5, estimated=True, cost=0.5),
        by_model={"large": Usage(3, 5, estimated=True, cost=0.5)},
        model="large",
        model_type="cloud_large",
        reasons=("asked for",),
        wire=record.wire,
        started_at=NOW,
        first_token_at=NOW + 5,
        ended_at=at,
        key_id=record.key_id,
    )


def asks(
    started: Started, *call_ids: str, until: int = NOW, at: int = NOW + 1000, **more: Any
) -> Outcome:
    """The end of a turn that asks about calls."""
    plain = outcome(started, at=at)
    asked = [
        ToolApprovalRequested(call_id, "sell", '{"what":"car"}', until) for call_id in call_ids
    ]
    end = TurnCompleted("approval_required")
    events: list[AnyEvent] = [*asked, end]
    tail = tuple(Stamped(n, plain.ended_at, event) for n, event in enumerate(events, 1))
    told = {"terminal": end, "tail": tail, "log": (plain.log[0], *tail)}
    return replace(plain, **{**told, **more})


class Listener:
    """A tail that remembers what it was told and can be waited on."""

    def __init__(self) -> None:
        self.until = 0
        self.steps: list[int] = []
        self.error: TalkwireError | None = None
        self._told = asyncio.Event()

    def committed(self, until: int) -> None:
        self.until = until
        self.steps.append(until)
        self._told.set()

    def lost(self, error: TalkwireError) -> None:
        self.error = error
        self._told.set()

    async def reach(self, until: int, *, within_s: float = 10) -> None:
        """Wait until so much is held, or lost."""
        end = monotonic() + within_s
        while self.until < until and self.error is None:
            self._told.clear()
            await asyncio.wait_for(self._told.wait(), end - monotonic())
