"""Alembic's entry: runs the migrations on the connection that `Database.migrate` hands over."""

from alembic import context
from sqlalchemy import Connection

from service.store.records import Record

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Record.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
