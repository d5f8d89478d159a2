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
    tokens_in, tokens_out, estimated, cost = row[12:16]
    counted = tokens_in is not None
    return TurnRecord(
        *row[:11],
        reasons=tuple(json.loads(row[11])) if row[11] else (),
        usage=Usage(tokens_in, tokens_out, bool(estimated), cost) if counted else None,
        finish_reason=row[16],
        error_code=row[17],
        error_message=row[18],
        retryable=None if row[19] is None else bool(row[19]),
        node=row[20],
    )
