"""Reading: raw tables become one set of columns, with a reason for each row that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recsmith.data.door.admission import Admission
from recsmith.data.door.checks import (
    UNIT_WORDS,
    UNITS,
    Checks,
    read_event,
    read_id,
    read_number,
    read_time,
    to_milliseconds,
    unit_classes,
)
from recsmith.data.door.columns import Columns
from recsmith.data.door.raw import EXTRA, RawTable
from recsmith.errors import DataError

BLANK = "blank line"
_CUT = "the file ends in the middle of this line"
_SAMPLE = 1000


@dataclass
class Rows:
    """Holds the rows of all tables under each other.

    `ids` has the columns user and item; `reason` is 0 for a good row, else 1 + a place in `words`;
    `starts` int64[tables + 1] says where each table begins. `time` is in milliseconds.
    """

    ids: pl.DataFrame
    reason: np.ndarray
    weight: np.ndarray | None
    time: np.ndarray | None
    starts: np.ndarray
    words: list[str]
    remarks: tuple[str, ...] = ()

    def keep(self, mask: np.ndarray) -> None:
        """Lets go of the rows that are not in the mask."""
        self.ids = self.ids.filter(pl.Series(mask))
        self.weight = None if self.weight is None else self.weight[mask]
        self.time = None if self.time is None else self.time[mask]


def read_rows(tables: Sequence[RawTable], named: Columns, admission: Admission) -> Rows:
    """Returns the rows of all tables, read in a stream each; 21 bytes a row are held."""
    words: list[str] = []
    categories = (pl.Categories.random(), pl.Categories.random())
    parts, numeric = [], set()
    for table in tables:
        part, time_is_number = _collect(table, named, admission, words, categories)
        parts.append(part)
        numeric.add(time_is_number)
    if len(numeric) > 1:
        raise DataError(
            f"{named.time} must be of one form in all files. Got numbers in one and dates in another."
        )
    starts = np.cumsum([0, *(len(part) for part in parts)]).astype(np.int64)
    frame = pl.concat([_with_ids_like(part, parts) for part in parts])
    del parts
    rows = Rows(
        frame.select("user", "item"),
        frame["reason"].to_numpy(writable=True),
        frame["weight"].to_numpy() if "weight" in frame.columns else None,
        None,
        starts,
        words,
    )
    raw_time = frame["time"].to_numpy(writable=True) if named.time is not None else None
    del frame
    if raw_time is not None and named.time is not None:
        _settle_time(rows, raw_time, is_number=True in numeric, unit=admission.time_unit, column=named.time)
    _mark_cut_lines(tables, rows)
    _note_long_rows(tables, rows)
    return rows


def _collect(
    table: RawTable,
    named: Columns,
    admission: Admission,
    words: list[str],
    categories: tuple[pl.Categories, pl.Categories],
) -> tuple[pl.DataFrame, bool]:
    """Returns the named columns of a table, and whether its times are bare numbers."""
    schema = table.frame.collect_schema()
    checks = Checks(words)
    mapped = [c for c in (named.user, named.item, named.weight, named.time, named.event) if c]
    text = [c for c in mapped if schema[c] == pl.String]
    if table.blank_rows:
        checks.refuse(pl.all_horizontal(pl.col(c).is_null() for c in mapped), BLANK)
    if len(text) > 1:
        again = pl.all_horizontal(pl.col(c).str.strip_chars() == c for c in text)
        checks.refuse(again, "the header again")
    if EXTRA in schema:
        checks.refuse(pl.col(EXTRA).is_not_null(), table.extra_reason)
    user, item = named.user or "", named.item or ""
    columns = {
        "user": read_id(user, schema[user], checks, categories[0], what="user"),
        "item": read_id(item, schema[item], checks, categories[1], what="item"),
    }
    if named.event is not None:
        weights = dict(admission.event_weights or {})
        columns["weight"] = read_event(named.event, schema[named.event], weights, checks)
    elif named.weight is not None:
        columns["weight"] = read_number(named.weight, schema[named.weight], checks)
    is_number = False
    if named.time is not None:
        sample = _run(table, table.frame.select(named.time).head(_SAMPLE))[named.time]
        time = read_time(named.time, schema[named.time], sample, checks, time_format=admission.time_format)
        columns["time"], is_number = time.expression, time.is_number
    return _run(table, table.frame.select(**columns, reason=checks.expression())), is_number


def _run(table: RawTable, lazy: pl.LazyFrame) -> pl.DataFrame:
    try:
        return lazy.collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(unreadable(table.name, error)) from error


def unreadable(name: str, error: Exception) -> str:
    """Returns the message for a table that polars gave up on."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    cure = ""
    if "unexpected end of file" in said or "end-of-stream" in said:
        cure = " The compressed file is cut short: fetch it again."
    elif "CSV malformed" in said or ("could not parse" in said and '"' in said):
        cure = ' A quotation mark is not closed. Where quotes are plain text, say quote = "".'
    return f"{name} must be a table that can be read whole. Got: {said}.{cure}"


def _with_ids_like(frame: pl.DataFrame, others: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns the frame with ids as text where another file has them as text."""
    mixed = {}
    for column in ("user", "item"):
        texts = [o.schema[column] for o in others if isinstance(o.schema[column], pl.Categorical)]
        if texts and not isinstance(frame.schema[column], pl.Categorical):
            mixed[column] = pl.col(column).cast(pl.String).cast(texts[0])
    return frame.with_columns(**mixed)


def _settle_time(rows: Rows, raw: np.ndarray, *, is_number: bool, unit: str, column: str) -> None:
    """Sets the times in milliseconds; a row in another unit than most gets a reason."""
    if not is_number:
        rows.time = to_milliseconds(raw, "ms")
        return
    if unit != "auto":
        rows.time = to_milliseconds(raw, unit)
        return
    classes = unit_classes(raw)
    counts = np.bincount(classes[rows.reason == 0], minlength=len(UNITS) + 1)
    main = int(counts.argmax())
    chosen = UNITS[max(main - 1, 0)]
    for other in np.flatnonzero(counts):
        if other != main:
            its = "small numbers (before 1973)" if other == 0 else UNIT_WORDS[UNITS[other - 1]]
            most = "small numbers" if main == 0 else UNIT_WORDS[chosen]
            rows.words.append(f"{column} is in {its} while most are in {most}")
            rows.reason[(classes == other) & (rows.reason == 0)] = len(rows.words)
    said = f"{column} read as {UNIT_WORDS[chosen]} since 1970"
    if main == 0:
        said += " (the numbers are small: only their order may mean something)"
    rows.remarks += (said,)
    rows.time = to_milliseconds(raw, chosen)


def _mark_cut_lines(tables: Sequence[RawTable], rows: Rows) -> None:
    """Gives the last line of a file that ends without a newline its true reason, when it is bad."""
    for number, table in enumerate(tables):
        first, last = int(rows.starts[number]), int(rows.starts[number + 1]) - 1
        if not (table.open_end or table.cut_end) or last < first:
            continue
        if table.cut_end or rows.reason[last] or _lacks_a_digit(rows.time, rows.reason, first, last):
            rows.words.append(_CUT)
            rows.reason[last] = len(rows.words)
        else:
            rows.remarks += (
                f"{table.name} does not end with a newline; its last line was read as it stands",
            )


def _note_long_rows(tables: Sequence[RawTable], rows: Rows) -> None:
    """Says when rows take more lines than one: two stray quotation marks would hide the lines between."""
    for table, n_rows in zip(tables, np.diff(rows.starts), strict=True):
        n_more = 0 if table.n_lines is None else table.n_lines - int(n_rows)
        if n_more > 0:
            was = "line was" if n_more == 1 else "lines were"
            rows.remarks += (
                f"{n_more:,} {was} read as part of a quoted field that began on a line before "
                f'({table.name}); where quotation marks are plain text, say quote = ""',
            )


def _lacks_a_digit(time: np.ndarray | None, reason: np.ndarray, first: int, last: int) -> bool:
    """Tells whether the last time has a digit less than every other: the line ends inside the number."""
    if time is None or last == first:
        return False
    others = time[first:last][reason[first:last] == 0]
    return bool(len(others) > 0 and 0 <= time[last] * 9.99 < others.min())
