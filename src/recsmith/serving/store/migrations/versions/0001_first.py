"""The first schema: events, items, users, shown, facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables as they were then; later changes are steps of their own."""
    sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "events",
        sa.Column("seq", sequence, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(200), nullable=False, unique=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("weight", sa.Float, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_of_user", "events", ["user_id", "time", "seq"])
    op.create_table(
        "items",
        sa.Column("item_id", sa.String(200), primary_key=True),
        sa.Column("title", sa.String(1000), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("in_stock", sa.Boolean, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("items_by_version", "items", ["version"])
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(200), primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("blocked", sa.JSON, nullable=False),
    )
    op.create_table(
        "shown",
        sa.Column("seq", sequence, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
        sa.Column("propensities", sa.JSON, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("shown_to_user", "shown", ["user_id", "time"])
    op.create_table(
        "facts",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
