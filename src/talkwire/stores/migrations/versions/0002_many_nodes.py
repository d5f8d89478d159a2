"""Many nodes: keys, who stops a turn, where a node is, and events in partitions on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Identity columns of partitioned tables are newer than the servers that are in use. The index
# is not unique: a unique one would have to contain the time.
_PARTITIONED = (
    "DROP TABLE turn_events",
    "CREATE SEQUENCE turn_events_id_seq",
    """
    CREATE TABLE turn_events (
        id BIGINT NOT NULL DEFAULT nextval('turn_events_id_seq'),
        turn_id TEXT NOT NULL,
        first_n INTEGER NOT NULL,
        count INTEGER NOT NULL,
        payload TEXT NOT NULL,
        at BIGINT NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    ) PARTITION BY RANGE (at)
    """,
    "ALTER SEQUENCE turn_events_id_seq OWNED BY turn_events.id",
    "CREATE INDEX ix_turn_events_turn ON turn_events (turn_id, first_n)",
)


def upgrade() -> None:
    op.add_column("turns", sa.Column("stop_by", sa.Text))
    op.add_column("nodes", sa.Column("host", sa.Text, nullable=False, server_default=""))
    op.add_column(
        "nodes",
        sa.Column("started_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("user", sa.Text),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("models", sa.Text),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("rpm", sa.Integer),
        sa.Column("tpm", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
    )
    op.create_index("ix_api_keys_owner", "api_keys", ["owner"])
    op.create_table(
        "tickets",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_tickets_expires_at", "tickets", ["expires_at"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in _PARTITIONED:
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_table("turn_events")
        op.create_table(
            "turn_events",
            sa.Column("id", sa.BigInteger, primary_key=True),
            sa.Column("turn_id", sa.Text, nullable=False),
            sa.Column("first_n", sa.Integer, nullable=False),
            sa.Column("count", sa.Integer, nullable=False),
            sa.Column("payload", sa.Text, nullable=False),
        )
    op.drop_table("tickets")
    op.drop_table("api_keys")
    with op.batch_alter_table("nodes") as nodes:
        nodes.drop_column("started_at")
        nodes.drop_column("host")
    with op.batch_alter_table("turns") as turns:
        turns.drop_column("stop_by")
