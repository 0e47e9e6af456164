"""Store: events, items and people in SQLite or PostgreSQL; what it acknowledges is on the disk."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsmith.errors import DataError, InvalidValue, RecsmithError, require
from recsmith.serving.records import Event, Item
from recsmith.serving.store.migrate import migrate
from recsmith.serving.store.tables import events, facts, items, shown, users

_ROWS = 5_000  # in one statement of a bulk load
_WRITERS = 7_310_552  # the lock of who adds events in PostgreSQL
_NEWEST = sa.select(sa.func.max(events.c.seq)).where(events.c.user_id == sa.bindparam("user_id"))
_STATE = sa.select(
    _NEWEST.scalar_subquery(),
    *(
        sa.select(column).where(users.c.user_id == sa.bindparam("user_id")).scalar_subquery()
        for column in (users.c.blocked, users.c.data)
    ),
)
_HISTORY = (
    sa.select(events)
    .where(events.c.user_id == sa.bindparam("user_id"))
    .order_by(events.c.time.desc(), events.c.seq.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_FULL = ("disk is full", "disk full", "no space left", "disk i/o error", "could not extend file")


class StoreUnavailable(RecsmithError):
    """Is raised when the database does not answer, or not in time."""


class StoreFull(RecsmithError):
    """Is raised when the disk has no room; nothing of the call is kept."""


class Store:
    """Keeps what came in. Every method is one transaction; several processes may use one database.

    SQLite runs with a write-ahead log and full synchronisation, so an acknowledged event survives a power
    cut. Deleted content is overwritten (`secure_delete`).
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._insert = sqlite.insert if self.is_sqlite else postgresql.insert
        # A statement that only reads needs no transaction around it: in PostgreSQL that saves two ways there
        # and back; in SQLite `_on_begin` says no BEGIN.
        self._reads = (
            self.engine.execution_options(reads=True)
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        try:
            with _answers():
                migrate(self.engine)
        except BaseException:
            self.close()  # a store that cannot be used keeps no connection
            raise

    def _reading(self) -> sa.Connection:
        """Returns a connection without a transaction; each statement sees what is committed when it runs."""
        return self._reads.connect()

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()

    # Events ------------------------------------------------------------------------------------------

    def add_events(self, new: Sequence[Event], *, missing: Iterable[str] = ()) -> int:
        """Keeps events, all or none; returns how many were new: an `event_id` that is there counts not.

        `missing` are ids of items to be added bare where the catalogue lacks them, with the events or not at
        all. Events get their `seq` in the order in which they become visible, so who has seen `seq` n has
        seen all before it; PostgreSQL needs a lock for that.
        """
        now = milliseconds()
        rows = [
            {
                "event_id": event.event_id or uuid.uuid4().hex,
                "user_id": event.user_id,
                "item_id": event.item_id,
                "weight": event.weight,
                "time": event.time or now,
            }
            for event in new
        ]
        statement = self._insert(events).on_conflict_do_nothing(index_elements=["event_id"])
        with _answers(), self.engine.begin() as connection:
            if missing:
                self._put_items(connection, self._bare(connection, missing))
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
            added = 0
            for start in range(0, len(rows), _ROWS):
                kept = connection.execute(statement.returning(events.c.seq), rows[start : start + _ROWS])
                added += len(kept.all())
        return added

    def history(self, user_id: str, *, limit: int) -> list[Event]:
        """Returns the newest events of a person, oldest first."""
        with _answers(), self._reading() as connection:
            rows = connection.execute(_HISTORY, {"user_id": user_id, "most": limit}).all()
        return [Event(r.user_id, r.item_id, r.weight, r.time, r.event_id) for r in reversed(rows)]

    def newest(self, user_id: str) -> int:
        """Returns the `seq` of a person's last event, 0 for none; it tells whether a copy is still good."""
        with _answers(), self._reading() as connection:
            return int(connection.execute(_NEWEST, {"user_id": user_id}).scalar() or 0)

    def state_of(self, user_id: str) -> tuple[int, list[str], dict[str, Any]]:
        """Returns the `seq` of a person's last event, what they blocked and their data, in one statement."""
        with _answers(), self._reading() as connection:
            newest, blocked, data = connection.execute(_STATE, {"user_id": user_id}).one()
        return int(newest or 0), list(blocked or ()), dict(data or {})

    def health(self) -> dict[str, int | None]:
        """Returns how many events and people there are, from when to when, and how many are of the future."""
        now = milliseconds()
        columns = (
            sa.func.count(),
            sa.func.count(sa.distinct(events.c.user_id)),
            sa.func.min(events.c.time),
            sa.func.max(events.c.time),
            sa.func.sum(sa.case((events.c.time > now + 60_000, 1), else_=0)),
        )
        with _answers(), self._reading() as connection:
            row = connection.execute(sa.select(*columns)).one()
        names = ("events", "people", "first", "last", "events_in_the_future")
        return {name: None if value is None else int(value) for name, value in zip(names, row, strict=True)}

    def last_seq(self) -> int:
        """Returns the `seq` of the last event of all."""
        with _answers(), self._reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(events.c.seq))).scalar() or 0)

    def count_events(self, *, through: int | None = None) -> int:
        """Returns the number of events, of those up to a `seq` where one is given."""
        asked = sa.select(sa.func.count()).select_from(events)
        if through is not None:
            asked = asked.where(events.c.seq <= through)
        with _answers(), self._reading() as connection:
            return int(connection.execute(asked).scalar() or 0)

    def events_of(self, user_ids: Sequence[str], *, since: int) -> Iterator[Event]:
        """Yields the events of some people from a time (ms) on."""
        for start in range(0, len(user_ids), _ROWS):
            some = events.c.user_id.in_(user_ids[start : start + _ROWS])
            with _answers(), self._reading() as connection:
                rows = connection.execute(sa.select(events).where(some, events.c.time >= since)).all()
            yield from (Event(r.user_id, r.item_id, r.weight, r.time, r.event_id) for r in rows)

    def all_events(self, *, through: int | None = None) -> Iterator[list[Event]]:
        """Yields all events in the order in which they came, block by block."""
        last = 0
        while True:
            asked = sa.select(events).where(events.c.seq > last).order_by(events.c.seq).limit(50_000)
            if through is not None:
                asked = asked.where(events.c.seq <= through)
            with _answers(), self._reading() as connection:
                rows = connection.execute(asked).all()
            if not rows:
                return
            last = rows[-1].seq
            yield [Event(r.user_id, r.item_id, r.weight, r.time, r.event_id) for r in rows]

    # Items -------------------------------------------------------------------------------------------

    def put_items(self, new: Iterable[Item]) -> int:
        """Adds items or puts them in place of those that are there; returns the catalogue's new version."""
        with _answers(), self.engine.begin() as connection:
            return self._put_items(connection, new)

    def _put_items(self, connection: sa.Connection, new: Iterable[Item]) -> int:
        now, version = milliseconds(), self._next_version(connection)
        rows = [
            {
                "item_id": item.item_id,
                "title": item.title,
                "data": dict(item.data),
                "in_stock": item.in_stock,
                "deleted": item.deleted,
                "created": item.created or now,
                "version": version,
            }
            for item in new
        ]
        for start in range(0, len(rows), _ROWS):
            statement = self._insert(items)
            put = {n: statement.excluded[n] for n in ("title", "data", "in_stock", "deleted", "version")}
            upsert = statement.on_conflict_do_update(index_elements=["item_id"], set_=put)
            connection.execute(upsert, rows[start : start + _ROWS])
        return version

    def add_missing_items(self, item_ids: Iterable[str]) -> int:
        """Adds bare items, with their ids as titles, where the catalogue lacks them; returns how many."""
        with _answers(), self.engine.begin() as connection:
            missing = self._bare(connection, item_ids)
            if missing:
                self._put_items(connection, missing)
        return len(missing)

    def _bare(self, connection: sa.Connection, item_ids: Iterable[str]) -> list[Item]:
        wanted, known = sorted(set(item_ids)), set()
        for start in range(0, len(wanted), 500):
            asked = sa.select(items.c.item_id).where(items.c.item_id.in_(wanted[start : start + 500]))
            known |= set(connection.execute(asked).scalars())
        return [Item(item_id, item_id) for item_id in wanted if item_id not in known]

    def item(self, item_id: str) -> Item | None:
        """Returns an item, or None for one that is not there or was deleted."""
        with _answers(), self._reading() as connection:
            row = connection.execute(sa.select(items).where(items.c.item_id == item_id)).first()
        return None if row is None or row.deleted else _item(row)

    def items_since(self, version: int) -> list[Item]:
        """Returns items changed after a version of the catalogue, deleted ones too."""
        asked = sa.select(items).where(items.c.version > version).order_by(items.c.version, items.c.item_id)
        with _answers(), self._reading() as connection:
            return [_item(row) for row in connection.execute(asked)]

    # People ------------------------------------------------------------------------------------------

    def put_user(self, user_id: str, *, data: Mapping[str, Any], blocked: Sequence[str] = ()) -> None:
        """Keeps what is known of a person and the items they do not want."""
        statement = self._insert(users).values(user_id=user_id, data=dict(data), blocked=list(blocked))
        put = {"data": statement.excluded.data, "blocked": statement.excluded.blocked}
        with _answers(), self.engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=put))

    def user(self, user_id: str) -> tuple[dict[str, Any], list[str]] | None:
        """Returns a person's data and blocked items, or None."""
        with _answers(), self._reading() as connection:
            row = connection.execute(sa.select(users).where(users.c.user_id == user_id)).first()
        return None if row is None else (dict(row.data), list(row.blocked))

    def erase_user(self, user_id: str) -> dict[str, int]:
        """Deletes every row of a person and returns how many of each table went."""
        gone = {}
        with _answers(), self.engine.begin() as connection:
            for table in (events, users, shown):
                gone[table.name] = connection.execute(
                    sa.delete(table).where(table.c.user_id == user_id)
                ).rowcount
        self._flush_log()
        return gone

    def rows_of(self, user_id: str) -> int:
        """Returns the number of rows that name a person; 0 proves that nothing is left in the tables."""
        with _answers(), self._reading() as connection:
            return sum(
                connection.execute(
                    sa.select(sa.func.count()).select_from(table).where(table.c.user_id == user_id)
                ).scalar()
                or 0
                for table in (events, users, shown)
            )

    # What was shown ----------------------------------------------------------------------------------

    def add_shown(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keeps lists that were shown: user_id, time, variant, version, items, propensities."""
        if rows:
            with _answers(), self.engine.begin() as connection:
                connection.execute(sa.insert(shown), [dict(row) for row in rows])

    def shown_in(self, experiment: str, *, newest: int | None = None) -> list[Any]:
        """Returns what was shown in an experiment, in order; the newest so many where a number is given."""
        begins = f"{experiment}/"
        asked = sa.select(shown).where(sa.func.substr(shown.c.variant, 1, len(begins)) == begins)
        with _answers(), self._reading() as connection:
            rows = connection.execute(asked.order_by(shown.c.seq.desc()).limit(newest)).all()
        return list(reversed(rows))

    def all_shown(self) -> Iterator[Any]:
        """Yields what was shown, in order."""
        with _answers(), self._reading() as connection:
            yield from connection.execute(sa.select(shown).order_by(shown.c.seq)).all()

    # Facts -------------------------------------------------------------------------------------------

    def fact(self, name: str) -> Any:
        """Returns a named value, or None."""
        with _answers(), self._reading() as connection:
            return connection.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar()

    def put_fact(self, name: str, value: Any) -> None:
        """Keeps a named value."""
        with _answers(), self.engine.begin() as connection:
            self._put_fact(connection, name, value)

    def _put_fact(self, connection: sa.Connection, name: str, value: Any) -> None:
        statement = self._insert(facts).values(name=name, value=value)
        put = {"value": statement.excluded.value}
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=put))

    def _next_version(self, connection: sa.Connection) -> int:
        """Counts the catalogue's changes. The row is locked till the end of the transaction."""
        connection.execute(
            self._insert(facts)
            .values(name="catalogue", value=0)
            .on_conflict_do_nothing(index_elements=["name"])
        )
        asked = sa.select(facts.c.value).where(facts.c.name == "catalogue").with_for_update()
        version = int(connection.execute(asked).scalar_one()) + 1
        self._put_fact(connection, "catalogue", version)
        return version

    def _flush_log(self) -> None:
        """Moves the write-ahead log into the file, so that what was deleted is in neither."""
        if self.is_sqlite:
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()


def milliseconds() -> int:
    """Returns the time now."""
    return time.time_ns() // 1_000_000


def _engine(url: str) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InvalidValue("store", "a database URL such as sqlite:///store.db", url.split("@")[-1]) from None
    if address.drivername == "postgresql":
        require("psycopg", extra="postgres")
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise InvalidValue("store", "sqlite:///… or postgresql://…", address.get_backend_name())
    if address.get_backend_name() == "postgresql":
        waits = {"connect_timeout": 5, "options": "-c lock_timeout=10000"}
        known = {name: value for name, value in waits.items() if name not in address.query}
        return sa.create_engine(
            address, pool_pre_ping=True, pool_size=8, max_overflow=8, pool_timeout=5, connect_args=known
        )
    if address.database in (None, "", ":memory:"):
        raise InvalidValue("store", "a file: sqlite:///store.db", url)
    engine = sa.create_engine(address, connect_args={"timeout": 10, "check_same_thread": False}, pool_size=8)

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A transaction that begins by reading and writes later could find the lock gone; take it at once.
        if not connection.get_execution_options().get("reads", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _item(row: Any) -> Item:
    return Item(row.item_id, row.title, row.data, row.in_stock, row.deleted, row.created, row.version)


@contextmanager
def _answers() -> Iterator[None]:
    """Turns what a database says into errors of ours, without its address and password."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
        if any(words in said.lower() for words in _FULL):
            raise StoreFull(
                "The store's disk must have room. Got none. Nothing of this call was kept."
            ) from error
        if isinstance(error, (sa.exc.IntegrityError, sa.exc.DataError)):
            raise DataError(f"The store must take this. Got: {said}.") from error
        raise StoreUnavailable(f"The store must answer. Got: {said}.") from error
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable("The store must answer in time. Got no free connection.") from error
