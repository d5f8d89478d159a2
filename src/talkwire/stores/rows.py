"""Turns as rows, and as the values they stand for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from talkwire.canon.errors import NotFound
from talkwire.canon.records import TurnRecord, Usage
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import turns

TURN = (
    turns.c.turn_id,
    turns.c.session_id,
    turns.c.owner,
    turns.c.wire,
    turns.c.status,
    turns.c.created_at,
    turns.c.started_at,
    turns.c.first_token_at,
    turns.c.ended_at,
    turns.c.model,
    turns.c.model_type,
    turns.c.reasons,
    turns.c.input_tokens,
    turns.c.output_tokens,
    turns.c.estimated,
    turns.c.cost,
    turns.c.finish_reason,
    turns.c.error_code,
    turns.c.error_message,
    turns.c.retryable,
    turns.c.node,
    turns.c.key_id,
)
_one = Prepared(
    select(*TURN).where(
        (turns.c.turn_id == bindparam("turn_")) & (turns.c.owner == bindparam("owner_"))
    )
)


def find_turn(connection: Connection, owner: str, turn_id: str) -> TurnRecord:
    """:raises NotFound: unknown, or another's."""
    row = _one.first(connection, turn_=turn_id, owner_=owner)
    if row is None:
        raise NotFound(f"There is no turn {turn_id!r}.")
    return turn_record(row)


def turn_record(row: Sequence[Any]) -> TurnRecord:
    """A turn from its row, whose columns are `TURN` in this order."""
    turn_id, session_id, owner, wire, status, created_at, started_at, first_token_at = row[:8]
    ended_at, model, model_type, reasons, tokens_in, tokens_out, estimated, cost = row[8:16]
    finish_reason, error_code, error_message, retryable, node, key_id = row[16:]
    counted = tokens_in is not None
    return TurnRecord(
        turn_id=turn_id,
        session_id=session_id,
        owner=owner,
        wire=wire,
        status=status,
        created_at=created_at,
        started_at=started_at,
        first_token_at=first_token_at,
        ended_at=ended_at,
        model=model,
        model_type=model_type,
        reasons=tuple(json.loads(reasons)) if reasons else (),
        usage=Usage(tokens_in, tokens_out, bool(estimated), cost) if counted else None,
        finish_reason=finish_reason,
        error_code=error_code,
        error_message=error_message,
        retryable=None if retryable is None else bool(retryable),
        node=node,
        key_id=key_id,
    )
