"""Brings a store's tables to the present schema with Alembic; safe when several processes start at once."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from recsmith.errors import DataError, require

_LOCK = 7_310_551  # any number that nobody else locks


def migrate(engine: sa.Engine) -> None:
    """Runs the migrations that a database lacks, in one transaction.

    Raises `DataError` for a store that a newer recsmith has changed.
    """
    require("alembic", extra="serve")
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        at = None
        if sa.inspect(connection).has_table("alembic_version"):
            at = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        if at is not None and at not in known:
            raise DataError(f"The store must be of a schema this recsmith knows. Got {at}. Upgrade recsmith.")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DataError(f"The store must migrate. Got: {error}.") from error
