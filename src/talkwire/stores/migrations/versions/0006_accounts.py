"""Sessions as accounts see them: what each is for, who it is with, and words to search.

Nodes that still run the version before store messages that are not found by their words.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_LABELLED = sa.text("user_label IS NOT NULL")
_OF_SESSIONS = ("agent_id", "prompt", "user_label", "metadata", "title_folded")


def upgrade() -> None:
    for name in _OF_SESSIONS:
        op.add_column("sessions", sa.Column(name, sa.Text))
    archived = sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.text("false"))
    op.add_column("sessions", archived)
    op.add_column("messages", sa.Column("folded", sa.Text))
    op.add_column("turns", sa.Column("voice_ms", sa.BigInteger))
    op.create_index("ix_sessions_recent", "sessions", ["owner", "updated_at", "id"])
    op.create_index(
        "ix_sessions_label",
        "sessions",
        ["user_label", "owner"],
        sqlite_where=_LABELLED,
        postgresql_where=_LABELLED,
    )
    _fold_messages(op.get_bind())


def _fold_messages(connection: sa.Connection) -> None:
    """What was said so far can be searched too."""
    there = sa.table("messages", sa.column("id"), sa.column("payload"), sa.column("folded"))
    page = sa.select(there.c.id, there.c.payload).order_by(there.c.id).limit(_AT_ONCE)
    write = (
        sa.update(there)
        .where(there.c.id == sa.bindparam("id_"))
        .values(folded=sa.bindparam("folded_"))
    )
    rows = connection.execute(page).fetchall()
    while rows:
        folded = [{"id_": id, "folded_": _folded(json.loads(payload))} for id, payload in rows]
        connection.execute(write, folded)
        rows = connection.execute(page.where(there.c.id > rows[-1][0])).fetchall()


def _folded(message: dict[str, Any]) -> str | None:
    if message["role"] not in ("user", "assistant"):
        return None
    text = "".join(part["text"] for part in message.get("parts", ()))
    return unicodedata.normalize("NFKC", text).casefold().replace("\0", " ") or None


def downgrade() -> None:
    op.drop_index("ix_sessions_label", "sessions")
    op.drop_index("ix_sessions_recent", "sessions")
    with op.batch_alter_table("turns") as turns:
        turns.drop_column("voice_ms")
    with op.batch_alter_table("messages") as messages:
        messages.drop_column("folded")
    with op.batch_alter_table("sessions") as sessions:
        for name in ("archived", *_OF_SESSIONS):
            sessions.drop_column(name)
