"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_unfinished = sa.text("status IN ('queued', 'running')")


def upgrade() -> None:
    _people()
    _conversations()
    _journal()
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
    )
    op.create_table(
        "prompts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("variables", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("temperature", sa.Float),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "principals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("turn_id", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"])
    op.create_table(
        "usage",
        sa.Column("id", _serial, primary_key=True),
        sa.Column("turn_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("wire", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("cost", sa.Float),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def _conversations() -> None:
    op.create_table(
        "sessions",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("leaf", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("ttl_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text),
        sa.Column("turn_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_messages_session", "messages", ["owner", "session_id"])
    op.create_table(
        "turns",
        sa.Column("turn_id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("wire", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("node", sa.Text),
        sa.Column("first_event_id", sa.BigInteger, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("first_token_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("model", sa.Text),
        sa.Column("model_type", sa.Text),
        sa.Column("reasons", sa.Text),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("estimated", sa.Boolean),
        sa.Column("cost", sa.Float),
        sa.Column("finish_reason", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("retryable", sa.Boolean),
    )
    op.create_index(
        "ix_turns_unfinished",
        "turns",
        ["owner", "session_id"],
        sqlite_where=_unfinished,
        postgresql_where=_unfinished,
    )


def _journal() -> None:
    op.create_table(
        "turn_events",
        sa.Column("id", _serial, primary_key=True),
        sa.Column("turn_id", sa.Text, nullable=False),
        sa.Column("first_n", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "turn_logs",
        sa.Column("turn_id", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("ix_turn_logs_ended_at", "turn_logs", ["ended_at"])


def downgrade() -> None:
    for table in (
        "turn_logs",
        "turn_events",
        "turns",
        "messages",
        "sessions",
        "usage",
        "idempotency",
        "principals",
        "prompts",
        "nodes",
    ):
        op.drop_table(table)
