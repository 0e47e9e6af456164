"""SQL: the rows of a query through a connection URL, by SQLAlchemy."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from recsmith.data.dataset import Dataset, Feedback
from recsmith.data.door import admit
from recsmith.data.door.admission import Admission
from recsmith.data.door.columns import Columns
from recsmith.data.door.duplicates import Duplicates
from recsmith.data.door.quarantine import OnBadRows
from recsmith.data.door.raw import from_frame
from recsmith.errors import DataError, require

_BATCH = 500_000


def read_sql(
    url: str,
    *,
    query: str,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    on_bad_rows: OnBadRows = "error",
    quarantine: Path | str | None = None,
    duplicates: Duplicates = "keep_last",
    time_unit: str = "auto",
    time_format: str | None = None,
    feedback: Feedback | None = None,
    name: str = "query",
) -> Dataset:
    """Returns the data set of a query: `read_sql("sqlite:///shop.db", query="SELECT …")`.

    Rows come in the order in which the database gives them: add ORDER BY where times can be equal.
    Needs the extra `sql`, and `postgres` for `postgresql://`. A password in the URL is never shown.
    """
    table = from_frame(query_frame(url, query=query), name=name)
    admission = Admission(
        on_bad_rows=on_bad_rows,
        quarantine=quarantine,
        duplicates=duplicates,
        time_unit=time_unit,
        time_format=time_format,
        feedback=feedback,
    )
    return admit([table], columns=Columns(user, item, weight, time), admission=admission, name=name)


def query_frame(url: str, *, query: str) -> pl.DataFrame:
    """Returns the rows of a query, fetched in batches; also for side tables.

    Raises `DataError` when the database cannot be reached or refuses the query.
    """
    sqlalchemy = require("sqlalchemy", extra="sql")
    try:
        address = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        without_password = url.split("@")[-1]
        raise DataError(
            f"url must be a database URL such as sqlite:///shop.db. Got {without_password!r}."
        ) from error
    if address.drivername == "postgresql":
        require("psycopg", extra="postgres")
        address = address.set(drivername="postgresql+psycopg")
    shown = address.render_as_string(hide_password=True)
    on_disk = address.drivername.startswith("sqlite") and address.database not in (None, "", ":memory:")
    if on_disk and not Path(address.database).is_file():  # SQLite would make an empty one
        raise DataError(f"url must lead to a database that is there. Got {shown!r}.")
    try:
        engine = sqlalchemy.create_engine(address)
    except (ModuleNotFoundError, sqlalchemy.exc.NoSuchModuleError) as error:
        raise DataError(
            f"url must be of a database whose driver is installed. Got {address.drivername!r} ({error}). "
            "Install SQLAlchemy's driver for it beside recsmith."
        ) from error
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            batches = list(
                pl.read_database(
                    sqlalchemy.text(query),
                    connection,
                    iter_batches=True,
                    batch_size=_BATCH,
                    infer_schema_length=None,
                )
            )
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DataError(f"query must be one that {shown} can answer. Got: {said}.") from error
    finally:
        engine.dispose()
    if not batches:
        raise DataError(f"query must give at least one row from {shown}. Got none.")
    return pl.concat(batches, how="vertical_relaxed")
