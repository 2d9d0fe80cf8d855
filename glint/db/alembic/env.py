"""Runs migrations on the connection that glint.db.migration hands over."""

from __future__ import annotations

from alembic import context

from glint.db import processes

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=processes.METADATA,
    compare_type=True,
    # SQLite cannot alter a table: alembic then makes a new one and moves the rows.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
