"""Alembic's door: it uses the connection it is given and leaves logging alone."""

from __future__ import annotations

from alembic import context

from talkwire.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
