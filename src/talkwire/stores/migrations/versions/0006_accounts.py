"""Sessions as accounts see them: what each is for, who it is with, and words to search.

What was said before is folded by the servers, bit by bit.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UNFOLDED = sa.text("folded IS NULL")
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
    op.create_index(
        "ix_messages_unfolded",
        "messages",
        ["id"],
        sqlite_where=_UNFOLDED,
        postgresql_where=_UNFOLDED,
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unfolded", "messages")
    op.drop_index("ix_sessions_label", "sessions")
    op.drop_index("ix_sessions_recent", "sessions")
    with op.batch_alter_table("turns") as turns:
        turns.drop_column("voice_ms")
    with op.batch_alter_table("messages") as messages:
        messages.drop_column("folded")
    with op.batch_alter_table("sessions") as sessions:
        for name in ("archived", *_OF_SESSIONS):
            sessions.drop_column(name)
