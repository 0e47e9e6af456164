"""The door: every table enters here, is checked once, and leaves as a Dataset with notes on what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset, Feedback, Notes
from recsmith.data.door import quarantine as aside
from recsmith.data.door.admission import Admission
from recsmith.data.door.columns import Columns, resolve
from recsmith.data.door.duplicates import Duplicates, resolve_duplicates
from recsmith.data.door.ids import codes_of, vocabulary_of
from recsmith.data.door.quarantine import OnBadRows
from recsmith.data.door.raw import RawTable, from_frame
from recsmith.data.door.reading import BLANK, Rows, read_rows
from recsmith.data.interactions import Interactions
from recsmith.errors import DataError, InvalidValue

_MOST_STARS = 21  # half stars from 0 to 10
_HIGHEST_STAR = 10.0


def read_frame(
    frame: pl.LazyFrame | pl.DataFrame,
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    name: str = "table",
    on_bad_rows: OnBadRows = "error",
    quarantine: Path | str | None = None,
    duplicates: Duplicates = "keep_last",
    time_unit: str = "auto",
    time_format: str | None = None,
    feedback: Feedback | None = None,
) -> Dataset:
    """Returns the data set of a polars frame; columns that are not named are found by their usual names.

    Raises `DataError` for a table that cannot be read and `BadRows` for rows that cannot, unless they are
    set aside in the file `quarantine`.
    """
    admission = Admission(
        on_bad_rows=on_bad_rows,
        quarantine=quarantine,
        duplicates=duplicates,
        time_unit=time_unit,
        time_format=time_format,
        feedback=feedback,
    )
    columns = Columns(user, item, weight, time)
    return admit([from_frame(frame, name=name)], columns=columns, admission=admission, name=name)


def admit(tables: Sequence[RawTable], *, columns: Columns, admission: Admission, name: str) -> Dataset:
    """Checks raw tables of one shape and returns them as one data set, rows in the order given.

    Nothing is dropped in silence: the data set's notes say what was read, refused and repeated.
    """
    first = tables[0]
    named = resolve(columns, first.columns, source=first.name, first_line=first.first_line)
    for table in tables[1:]:
        resolve(named, table.columns, source=table.name, guess=False, first_line=table.first_line)
    rows = read_rows(tables, named, admission)
    n_rows = int(rows.starts[-1])
    if n_rows == 0:
        raise DataError(f"{first.name} must be a table with at least one row. Got a header and no rows.")
    refused, blanks, where = _take_out_bad_rows(tables, rows, admission)
    data = _dataset(rows, name=name, admission=admission)
    said = [_columns_sentence(first, named)]
    if named.weight or named.event:
        said.append(f"feedback read as {data.feedback}")
    said += [remark for table in tables for remark in table.remarks]
    said += rows.remarks
    if blanks:
        said.append(f"{blanks:,} blank {'line was' if blanks == 1 else 'lines were'} left out")
    notes = replace(
        data.notes,
        sources=tuple(table.name for table in tables),
        n_read=n_rows - blanks,
        refused=refused,
        steps=(*said, *where),
    )
    return replace(data, notes=notes)


def _take_out_bad_rows(
    tables: Sequence[RawTable], rows: Rows, admission: Admission
) -> tuple[dict[str, int], int, tuple[str, ...]]:
    """Moves bad rows into an error or the quarantine file.

    Returns the refused by reason, the number of blank lines, and where the refused went.
    """
    not_kept = np.flatnonzero(rows.reason)
    if len(not_kept) == 0:
        return {}, 0, ()
    is_blank = np.array([False, *(word == BLANK for word in rows.words)])[rows.reason[not_kept]]
    refused = not_kept[~is_blank]
    reasons = [rows.words[code - 1] for code in rows.reason[refused]]
    counts = dict(Counter(reasons).most_common())
    where: tuple[str, ...] = ()
    if len(refused) and admission.on_bad_rows == "error":
        aside.show_and_raise(tables, rows.starts, refused, reasons)
    if len(refused):
        path = _quarantine_path(tables, admission)
        aside.write(path, tables, rows.starts, refused, reasons)
        noun = f"{tables[0].unit} was" if len(refused) == 1 else f"{tables[0].unit}s were"
        where = (f"{len(refused):,} refused {noun} set aside in {path}",)
    keep = rows.reason == 0
    if not keep.any():
        why = "; ".join(f"{n:,} × {reason}" for reason, n in counts.items()) or "blank lines only"
        raise DataError(f"{tables[0].name} must have at least one row that can be read. Got none ({why}).")
    rows.keep(keep)
    return counts, int(is_blank.sum()), where


def _quarantine_path(tables: Sequence[RawTable], admission: Admission) -> Path:
    if admission.quarantine is not None:
        return Path(admission.quarantine)
    beside = Path(tables[0].name)
    if not beside.is_file():
        raise InvalidValue("quarantine", 'a file path when on_bad_rows = "quarantine"', None)
    # Not .csv at the end: a glob over the data must not meet it the next time.
    return beside.with_name(f"{beside.name}.quarantine")


def _dataset(rows: Rows, *, name: str, admission: Admission) -> Dataset:
    """Codes the ids, sorts the events and settles repeats; empties `rows` on the way to spare memory."""
    users, user_map = vocabulary_of(rows.ids["user"])
    user = codes_of(rows.ids["user"], users, user_map)
    rows.ids = rows.ids.select("item")
    items, item_map = vocabulary_of(rows.ids["item"])
    item = codes_of(rows.ids["item"], items, item_map)
    rows.ids = pl.DataFrame()
    events = Interactions.from_arrays(user, item, rows.weight, rows.time)
    had_weights = rows.weight is not None and admission.event_weights is None
    rows.weight, rows.time = None, None
    del user, item
    kept, n_repeats, rule = resolve_duplicates(events, users, items, rule=admission.duplicates)
    del events
    feedback: Feedback = "ratings" if had_weights and _are_stars(kept.weight) else "implicit"
    notes = Notes(duplicates=n_repeats, duplicates_rule=rule)
    return Dataset(kept, users, items, feedback=admission.feedback or feedback, name=name, notes=notes)


def _are_stars(weight: np.ndarray) -> bool:
    """Tells ratings from counts: few values, none above 10, and more than one."""
    if len(weight) == 0 or weight.max() > _HIGHEST_STAR:
        return False
    return 1 < len(np.unique(weight)) <= _MOST_STARS


def _columns_sentence(table: RawTable, named: Columns) -> str:
    roles = {
        "user": named.user,
        "item": named.item,
        "weight": named.weight,
        "time": named.time,
        "event": named.event,
    }
    used = ", ".join(f"{role} = {column}" for role, column in roles.items() if column)
    unused = [column for column in table.columns if column not in roles.values()]
    return f"columns: {used}" + (f"; not used: {', '.join(unused[:10])}" if unused else "")
