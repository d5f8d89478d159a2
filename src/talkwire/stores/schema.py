"""The tables, as SQLAlchemy Core knows them; the same on SQLite and PostgreSQL.

Times are Unix milliseconds. Columns that hold JSON hold its text: what is in it is the business
of `canon`, and the database never looks inside. A change here needs a revision in `migrations/`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself in a column that is exactly INTEGER PRIMARY KEY.
_Serial = BigInteger().with_variant(Integer(), "sqlite")
UNFINISHED = text("status IN ('queued', 'running')")
WITH_KEY = text("key_id IS NOT NULL")
LABELLED = text("user_label IS NOT NULL")
UNFOLDED = text("folded IS NULL")
SPOKEN = text("spoken")

principals = Table(
    "principals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# `user_label` is whom the owner, a program perhaps, talks with in it. What is `folded` is searched.
sessions = Table(
    "sessions",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("title", Text),
    Column("leaf", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("ttl_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("agent_id", Text),
    Column("prompt", Text),
    Column("user_label", Text),
    Column("metadata", Text),
    Column("title_folded", Text),
    Column("archived", Boolean, nullable=False, server_default=text("false")),
    Index("ix_sessions_recent", "owner", "updated_at", "id"),
    Index(
        "ix_sessions_label",
        "user_label",
        "owner",
        sqlite_where=LABELLED,
        postgresql_where=LABELLED,
    ),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("parent_id", Text),
    Column("turn_id", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("folded", Text),
    Index("ix_messages_session", "owner", "session_id"),
    Index("ix_messages_unfolded", "id", sqlite_where=UNFOLDED, postgresql_where=UNFOLDED),
)

turns = Table(
    "turns",
    metadata,
    Column("turn_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("wire", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("node", Text),
    Column("first_event_id", BigInteger, nullable=False),
    Column("stop_by", Text),
    Column("request", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("first_token_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("model", Text),
    Column("model_type", Text),
    Column("reasons", Text),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("estimated", Boolean),
    Column("cost", Float),
    Column("finish_reason", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("retryable", Boolean),
    Column("key_id", Text),
    Column("voice_ms", BigInteger),
    Index("ix_turns_session", "owner", "session_id"),
    Index(
        "ix_turns_unfinished",
        "owner",
        "session_id",
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    ),
)

# Append-only in the order of commits and without an index by turn: a commit then dirties the
# last page alone. A turn's events are found from `turns.first_event_id` on. On PostgreSQL it is
# partitioned by a column `at` that the database fills, and has an index by turn; see `partitions`.
turn_events = Table(
    "turn_events",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("turn_id", Text, nullable=False),
    Column("first_n", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("payload", Text, nullable=False),
)

turn_logs = Table(
    "turn_logs",
    metadata,
    Column("turn_id", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("ended_at", BigInteger, nullable=False, index=True),
    Column("payload", Text, nullable=False),
    Column("spoken", Boolean, nullable=False, server_default=text("false")),
    Index(
        "ix_turn_logs_spoken",
        "ended_at",
        sqlite_where=SPOKEN,
        postgresql_where=SPOKEN,
    ),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False, server_default=""),
    Column("started_at", BigInteger, nullable=False, server_default=text("0")),
)

prompts = Table(
    "prompts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("variables", Text, nullable=False),
    Column("model", Text),
    Column("temperature", Float),
    Column("created_at", BigInteger, nullable=False),
)

# The ledger: a row for each turn and model, written with the turn's end and never changed. What a
# budget adds up is all in an index; the rows of a report lie together in one.
usage = Table(
    "usage",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("turn_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("model", Text),
    Column("wire", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("cost", Float),
    Column("at", BigInteger, nullable=False, index=True),
    Column("key_id", Text),
    Index("ix_usage_owner", "owner", "at", "input_tokens", "output_tokens", "cost"),
    Index(
        "ix_usage_key",
        "key_id",
        "at",
        "input_tokens",
        "output_tokens",
        "cost",
        sqlite_where=WITH_KEY,
        postgresql_where=WITH_KEY,
    ),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("turn_id", Text, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# A key's text is `tw_<id>_<secret>`; the secret is not here, only its SHA-256.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("user", Text),
    Column("secret_hash", Text, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("models", Text),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("rpm", Integer),
    Column("tpm", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("budget", Text),
)

# Each opens one stream for whoever asked for it. Deleting a row is what spends it.
tickets = Table(
    "tickets",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# A call that waits for a person, with exactly what will run. `leaf` is the message that the
# session must end in for the decision to follow: it is superseded by whatever else was asked.
approvals = Table(
    "approvals",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("turn_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("leaf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("decided_at", BigInteger),
    Column("reason", Text),
    Column("decided_in", Text),
    Index("ix_approvals_turn", "owner", "turn_id"),
)

# The whole of a result whose summary is what the conversation keeps.
tool_results = Table(
    "tool_results",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("turn_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Index("ix_tool_results_session", "owner", "session_id"),
)
