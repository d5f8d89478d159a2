"""Which logs hold audio, since they may be kept for a shorter time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SPOKEN = sa.text("spoken")


def upgrade() -> None:
    spoken = sa.Column("spoken", sa.Boolean, nullable=False, server_default=sa.text("false"))
    op.add_column("turn_logs", spoken)
    op.create_index(
        "ix_turn_logs_spoken",
        "turn_logs",
        ["ended_at"],
        sqlite_where=_SPOKEN,
        postgresql_where=_SPOKEN,
    )


def downgrade() -> None:
    op.drop_index("ix_turn_logs_spoken", "turn_logs")
    with op.batch_alter_table("turn_logs") as table:
        table.drop_column("spoken")
