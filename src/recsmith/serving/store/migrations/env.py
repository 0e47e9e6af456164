"""What Alembic runs for each migration; the connection is handed in."""

from alembic import context

from recsmith.serving.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("Migrations run when a store is opened: recsmith serve.")
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
