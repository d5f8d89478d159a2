"""Sessions as a whole: what belongs to one is found without reading what belongs to others."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_turns_session", "turns", ["owner", "session_id"])
    op.create_index("ix_tool_results_session", "tool_results", ["owner", "session_id"])
    op.create_index("ix_idempotency_turn_id", "idempotency", ["turn_id"])


def downgrade() -> None:
    op.drop_index("ix_idempotency_turn_id", "idempotency")
    op.drop_index("ix_tool_results_session", "tool_results")
    op.drop_index("ix_turns_session", "turns")
