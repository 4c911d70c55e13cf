"""Alembic's environment: `store/migrate.py` passes the connection, inside its transaction."""

from alembic import context

from minutebook.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
