"""Event logs: views, clicks, purchases, each with a weight per event type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from recsmith.data.dataset import Dataset
from recsmith.data.door import admit
from recsmith.data.door.admission import Admission
from recsmith.data.door.columns import Columns, plain
from recsmith.data.door.duplicates import Duplicates
from recsmith.data.door.quarantine import OnBadRows
from recsmith.data.door.raw import from_frame
from recsmith.data.sources.tables import Format, Paths, scan_tables
from recsmith.errors import InvalidValue


def read_events(
    path: Paths | pl.DataFrame | pl.LazyFrame,
    *,
    weights: Mapping[str, float],
    user: str | None = None,
    item: str | None = None,
    event: str = "event",
    time: str | None = None,
    format: Format | None = None,  # the word the recipe uses
    separator: str | None = None,
    header: bool = True,
    encoding: str = "utf-8",
    quote: str = '"',
    on_bad_rows: OnBadRows = "error",
    quarantine: Path | str | None = None,
    duplicates: Duplicates = "sum",
    time_unit: str = "auto",
    time_format: str | None = None,
    name: str | None = None,
) -> Dataset:
    """Returns an event log as implicit feedback: `weights={"view": 1, "buy": 5}`.

    The weights of a user's events on an item are summed unless `duplicates` says otherwise. A row with an
    event type that has no weight is a bad row, never a row left out. Weights must be above 0.
    """
    if not weights or not all(0 < float(weight) < float("inf") for weight in weights.values()):
        raise InvalidValue("weights", "an event type or more, each with a weight above 0", dict(weights))
    if isinstance(path, (pl.DataFrame, pl.LazyFrame)):
        tables = [from_frame(path, name=name or "events")]
    else:
        tables = scan_tables(
            path, format=format, separator=separator, header=header, encoding=encoding, quote=quote
        )
    column = next((c for c in tables[0].columns if plain(c) == plain(event)), event)
    admission = Admission(
        on_bad_rows=on_bad_rows,
        quarantine=quarantine,
        duplicates=duplicates,
        time_unit=time_unit,
        time_format=time_format,
        feedback="implicit",
        event_weights={kind.strip(): float(weight) for kind, weight in weights.items()},
    )
    columns = Columns(user, item, None, time, column)
    return admit(tables, columns=columns, admission=admission, name=name or Path(tables[0].name).stem)
