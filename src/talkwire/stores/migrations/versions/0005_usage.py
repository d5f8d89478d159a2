"""The ledger: which key a turn was asked with, and sums found without reading all of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED_UP = ["at", "input_tokens", "output_tokens", "cost"]
_WITH_KEY = sa.text("key_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("turns", sa.Column("key_id", sa.Text))
    op.add_column("usage", sa.Column("key_id", sa.Text))
    op.add_column("api_keys", sa.Column("budget", sa.Text))
    op.create_index("ix_usage_at", "usage", ["at"])
    op.create_index("ix_usage_owner", "usage", ["owner", *_ADDED_UP])
    op.create_index(
        "ix_usage_key",
        "usage",
        ["key_id", *_ADDED_UP],
        sqlite_where=_WITH_KEY,
        postgresql_where=_WITH_KEY,
    )


def downgrade() -> None:
    for name in ("ix_usage_key", "ix_usage_owner", "ix_usage_at"):
        op.drop_index(name, "usage")
    for name, column in (("api_keys", "budget"), ("usage", "key_id"), ("turns", "key_id")):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
