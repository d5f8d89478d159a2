"""How a turn's end is stored: status, messages, log and usage, in the caller's transaction."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, insert, update

from talkwire.canon.events import TurnCompleted, TurnFailed, dump
from talkwire.canon.records import Outcome
from talkwire.stores import approvals, sessions
from talkwire.stores.prepared import Prepared, Value
from talkwire.stores.schema import UNFINISHED, turn_logs, turns, usage

_encode = msgspec.json.Encoder().encode
_ENDED = (
    "status",
    "started_at",
    "first_token_at",
    "ended_at",
    "model",
    "model_type",
    "reasons",
    "input_tokens",
    "output_tokens",
    "estimated",
    "cost",
    "finish_reason",
    "error_code",
    "error_message",
    "retryable",
    "voice_ms",
)
_end = Prepared(
    update(turns)
    .where(
        (turns.c.turn_id == bindparam("turn_"))
        & (turns.c.owner == bindparam("owner_"))
        & UNFINISHED
    )
    .values({name: bindparam(f"{name}_") for name in _ENDED})
)
_log = Prepared(
    insert(turn_logs).values({column.name: bindparam(column.name) for column in turn_logs.columns})
)
_count = Prepared(
    insert(usage).values(
        {column.name: bindparam(column.name) for column in usage.columns if column.name != "id"}
    )
)


def write_outcome(connection: Connection, outcome: Outcome) -> bool:
    """Store the end of a turn; False when the turn has ended already: nothing is stored then."""
    if not _end.run(connection, turn_=outcome.turn_id, owner_=outcome.owner, **_figures(outcome)):
        return False
    leaf = sessions.chain(
        connection,
        outcome.messages,
        owner=outcome.owner,
        session_id=outcome.session_id,
        parent_id=outcome.parent_id,
        turn_id=outcome.turn_id,
        at=outcome.ended_at,
    )
    if leaf is not None:
        sessions.move(connection, outcome.owner, outcome.session_id, leaf, outcome.ended_at)
    approvals.ask(connection, outcome)
    _log.run(
        connection,
        turn_id=outcome.turn_id,
        count=len(outcome.log),
        ended_at=outcome.ended_at,
        payload=dump(outcome.log).decode(),
        spoken=outcome.spoken,
    )
    for model, used in outcome.by_model.items():
        _count.run(
            connection,
            turn_id=outcome.turn_id,
            owner=outcome.owner,
            session_id=outcome.session_id,
            model=model,
            wire=outcome.wire,
            status=outcome.status,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            estimated=used.estimated,
            cost=used.cost,
            at=outcome.ended_at,
            key_id=outcome.key_id,
        )
    return True


def _figures(outcome: Outcome) -> dict[str, Value]:
    terminal = outcome.terminal
    failed = terminal if isinstance(terminal, TurnFailed) else None
    return {
        "status_": outcome.status,
        "started_at_": outcome.started_at,
        "first_token_at_": outcome.first_token_at,
        "ended_at_": outcome.ended_at,
        "model_": outcome.model,
        "model_type_": outcome.model_type,
        "reasons_": _encode(outcome.reasons).decode(),
        "input_tokens_": outcome.usage.input_tokens,
        "output_tokens_": outcome.usage.output_tokens,
        "estimated_": outcome.usage.estimated,
        "cost_": outcome.usage.cost,
        "finish_reason_": (terminal.finish_reason if isinstance(terminal, TurnCompleted) else None),
        "error_code_": failed.code if failed else None,
        "error_message_": failed.message if failed else None,
        "retryable_": failed.retryable if failed else None,
        "voice_ms_": outcome.voice_ms,
    }
