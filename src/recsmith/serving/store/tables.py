"""The tables of the store. A change here needs a migration in `migrations/versions`."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# SQLite numbers rows by itself only for a plain INTEGER key.
_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String(200), nullable=False, unique=True),
    sa.Column("user_id", sa.String(200), nullable=False),
    sa.Column("item_id", sa.String(200), nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Index("events_of_user", "user_id", "time", "seq"),
    sqlite_autoincrement=True,
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("item_id", sa.String(200), primary_key=True),
    sa.Column("title", sa.String(1000), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("in_stock", sa.Boolean, nullable=False, default=True),
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("items_by_version", "version"),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", sa.String(200), primary_key=True),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("blocked", sa.JSON, nullable=False),
)

# What was shown to whom by which model, with the chance each item had: for experiments and estimates.
shown = sa.Table(
    "shown",
    metadata,
    sa.Column("seq", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("user_id", sa.String(200), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("variant", sa.String(100), nullable=False),
    sa.Column("version", sa.String(100), nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("propensities", sa.JSON, nullable=True),
    sa.Index("shown_to_user", "user_id", "time"),
    sqlite_autoincrement=True,
)

# Plain facts: what the first catalogue was made from, counters that all processes share.
facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
