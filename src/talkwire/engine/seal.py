"""Any way in which the work of a turn can stop becomes exactly one terminal event, stored.

The one place that ends turns: a bug, a cancellation, a time-out and a plain finish all pass here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Literal

from talkwire.canon.errors import Conflict, Fenced, StorageUnavailable, TalkwireError
from talkwire.canon.events import (
    AnyEvent,
    AudioDelta,
    Terminal,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
)
from talkwire.canon.records import Outcome, Usage
from talkwire.engine.counting import cut_off, settled
from talkwire.engine.live import LiveTurn
from talkwire.engine.storage_ports import Journal

_log = logging.getLogger(__name__)
_STORE_AGAIN_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)


async def seal(live: LiveTurn, work: Awaitable[Terminal]) -> Terminal | None:
    """Do the work and say how it ended; None when the turn is not this process's to end.

    That is so when the journal was lost (another process owns the turn) and when the work was
    stopped without an abort (the server stops: the turn is left for adoption).
    """
    try:
        return await work
    except (Exception, asyncio.CancelledError) as error:
        if live.error is not None or isinstance(error, Fenced):
            return None
        if live.answering is not None:
            live.answering.cut = cut_off(error, live)
        # An interruption may show as any error: what is interrupted may well fail on its way out.
        if live.stopped:
            return _interrupted(live)
        return _failed(error, live)


def _interrupted(live: LiveTurn) -> Terminal | None:
    if live.aborted_by is None:
        return None
    # The request to cancel is honoured: what stores the end must not see it as its own.
    if (task := asyncio.current_task()) is not None:
        while task.uncancel():
            pass
    return TurnAborted(live.aborted_by)


def _failed(error: BaseException, live: LiveTurn) -> Terminal | None:
    if isinstance(error, TalkwireError):
        return TurnFailed(error.code, error.message, retryable=error.retryable)
    if isinstance(error, TimeoutError):
        return TurnFailed("upstream_timeout", "The turn took too long in all.", retryable=True)
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        return None  # the event loop is closing
    ids = {"turn_id": live.turn_id, "session_id": live.session_id}
    _log.error("turn.bug", exc_info=error, extra=ids)
    return TurnFailed("internal_error", "The server made a mistake; it has been logged.")


async def store_end(live: LiveTurn, terminal: Terminal, journal: Journal) -> bool:
    """Store the end of a turn: messages, status, usage and terminal event, in one transaction.

    Storage that is away is tried again for about half a minute; then, and when another process
    owns the turn, False: the turn stays unfinished and is adopted later.
    """
    live.sealed = True
    if live.meter is not None:
        live.meter.ending = True
    tail: list[AnyEvent] = [*settled(live), terminal]
    outcome = _outcome(live, terminal, tail)
    for delay_s in (0.0, *_STORE_AGAIN_S):
        if delay_s:
            await asyncio.sleep(delay_s)
        if live.error is not None:  # lost meanwhile: it is another process's to end
            return False
        try:
            await journal.finish(outcome)
        except (Fenced, Conflict):
            return False
        except StorageUnavailable:
            _log.warning("turn.end_not_stored")
        except Exception:
            _log.exception("turn.end_not_stored")
        else:
            return True
    return False


def _outcome(live: LiveTurn, terminal: Terminal, tail: list[AnyEvent]) -> Outcome:
    stamped = (*live.kept_back, *live.stamp(tail))
    state = live.state
    route = state.route
    return Outcome(
        turn_id=state.turn_id,
        owner=live.owner,
        session_id=state.session_id,
        status=_status(terminal),
        terminal=terminal,
        tail=stamped,
        log=tuple(live.log.events),
        messages=state.messages() if state.asked.keep else (),
        parent_id=state.parent_id,
        usage=state.total_usage(),
        by_model=dict(state.by_model) or {None: Usage()},
        model=route.model if route else None,
        model_type=route.model_type if route else None,
        reasons=route.reasons if route else (),
        wire=state.wire,
        started_at=state.started_at,
        first_token_at=state.first_token_at,
        ended_at=stamped[-1].at,
        key_id=live.key_id,
        voice_ms=state.asked.heard_ms + state.spoken_ms,
        spoken=_spoken(live),
    )


def _spoken(live: LiveTurn) -> bool:
    """Whether there is audio in the turn: a voice may have failed before it said anything."""
    if live.state.audio == "none":
        return False
    return any(type(stamped.event) is AudioDelta for stamped in live.log.events)


def _status(terminal: Terminal) -> Literal["completed", "failed", "aborted"]:
    if isinstance(terminal, TurnCompleted):
        return "completed"
    return "failed" if isinstance(terminal, TurnFailed) else "aborted"
