"""Checks: how the columns of a raw table are read, and which reason is given for a row that cannot be.

Every check is a polars expression, so that a table is read once, in a stream, however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from recsmith.errors import DataError

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_TIME_FORMATS = (
    "%+",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%d-%b-%Y",
)  # No 01/02/2020: whether that is January or February is not for us to guess.
_MAY_EXCEED_INT64 = (pl.UInt64, pl.Int128, pl.UInt128)
UNITS = ("s", "ms", "us", "ns")
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_LATEST = 2.0**62  # milliseconds; what an int64 holds with room to subtract
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass
class Checks:
    """Gathers conditions in the order in which they are tried; the first that holds is the row's reason.

    Reason 0 is "nothing wrong"; reason k is `words[k - 1]`.
    """

    words: list[str] = field(default_factory=list)
    conditions: list[tuple[pl.Expr, int]] = field(default_factory=list)

    def code(self, words: str) -> int:
        """Returns the number of a reason, a new one when it is new."""
        if words not in self.words:
            self.words.append(words)
        return self.words.index(words) + 1

    def refuse(self, when: pl.Expr, because: str) -> None:
        """Adds a condition; null counts as "does not hold"."""
        self.conditions.append((when.fill_null(value=False), self.code(because)))

    def expression(self) -> pl.Expr:
        """Returns the UInt8 reason of each row."""
        chain = pl.lit(0, pl.UInt8)
        for condition, code in reversed(self.conditions):
            chain = pl.when(condition).then(pl.lit(code, pl.UInt8)).otherwise(chain)
        return chain


def read_id(
    name: str, dtype: pl.DataType, checks: Checks, categories: pl.Categories, *, what: str
) -> pl.Expr:
    """Returns an id column as Int64 or as Categorical, blanks around it taken off.

    Categorical keeps four bytes a row whatever the ids look like. Raises `DataError` for a column that
    cannot be ids.
    """
    column = pl.col(name)
    if dtype.is_integer() and dtype not in _MAY_EXCEED_INT64:
        checks.refuse(column.is_null(), f"{name} is empty")
        return column.cast(pl.Int64)
    if dtype.is_float() or dtype.is_decimal():
        nothing = column.is_nan() if dtype.is_float() else pl.lit(value=False)
        checks.refuse(column.is_null() | nothing, f"{name} is empty")
        whole = column.cast(pl.Int64, strict=False)
        checks.refuse(whole.is_null() | (whole.cast(dtype) != column), f"{name} is not a whole number")
        return whole
    if dtype not in (pl.String, pl.Null, *_MAY_EXCEED_INT64) and not _is_coded_text(dtype):
        raise DataError(f"{what} must be a column of integers or strings. Got {name!r} of {dtype}.")
    text = column.cast(pl.String).str.strip_chars()
    checks.refuse(text.is_null() | (text == ""), f"{name} is empty")
    return text.cast(pl.Categorical(categories))


def _is_coded_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.Categorical, pl.Enum))


def read_number(name: str, dtype: pl.DataType, checks: Checks) -> pl.Expr:
    """Returns a rating or count column as Float32."""
    if dtype.is_nested() or dtype.is_temporal():
        raise DataError(f"weight must be a column of numbers. Got {name!r} of {dtype}.")
    column = pl.col(name)
    empty = column.is_null()
    if dtype == pl.String or _is_coded_text(dtype):
        column = column.cast(pl.String).str.strip_chars()
        empty = column.is_null() | (column == "")
    number = column.cast(pl.Float64, strict=False)
    checks.refuse(empty, f"{name} is empty")
    checks.refuse(number.is_null(), f"{name} is not a number")
    checks.refuse(~number.is_finite() | (number.abs() > _FLOAT32_MAX), f"{name} is NaN or infinite")
    return number.cast(pl.Float32)


def read_event(name: str, dtype: pl.DataType, weights: dict[str, float], checks: Checks) -> pl.Expr:
    """Returns the weight of each row's event type as Float32."""
    if dtype.is_nested() or dtype.is_temporal():
        raise DataError(f"event must be a column of event types. Got {name!r} of {dtype}.")
    event = pl.col(name).cast(pl.String).str.strip_chars()
    checks.refuse(event.is_null() | (event == ""), f"{name} is empty")
    checks.refuse(~event.is_in(list(weights)), f"{name} is not one of {', '.join(weights)}")
    return event.replace_strict(weights, default=None, return_dtype=pl.Float32)


@dataclass(frozen=True)
class TimeColumn:
    """Says how a time column is read: as an instant (ms already) or as a bare number whose unit is open."""

    expression: pl.Expr
    is_number: bool


def read_time(
    name: str, dtype: pl.DataType, sample: pl.Series, checks: Checks, *, time_format: str | None
) -> TimeColumn:
    """Returns a time column as Float64: milliseconds since 1970-01-01 UTC, or a number of unknown unit.

    `sample` (the column's first rows) settles the format of a text column. Instants without a zone are UTC.
    """
    column = pl.col(name)
    if dtype.is_temporal():
        if dtype not in (pl.Datetime, pl.Date):
            raise DataError(f"time must be a column of instants. Got {name!r} of {dtype}.")
        checks.refuse(column.is_null(), f"{name} is empty")
        return TimeColumn(column.dt.timestamp("ms").cast(pl.Float64), is_number=False)
    if dtype.is_nested() or dtype == pl.Boolean:
        raise DataError(f"time must be a column of instants. Got {name!r} of {dtype}.")
    if dtype != pl.String and not _is_coded_text(dtype):
        number = column.cast(pl.Float64, strict=False)
        checks.refuse(number.is_null(), f"{name} is empty")
        checks.refuse(~number.is_finite(), f"{name} is not a time")
        return TimeColumn(number, is_number=True)
    text = column.cast(pl.String).str.strip_chars()
    checks.refuse(text.is_null() | (text == ""), f"{name} is empty")
    found = time_format or time_format_of(sample.cast(pl.String))
    if found is None:
        _refuse_text_of_unknown_form(name, sample)
        number = text.cast(pl.Float64, strict=False)
        checks.refuse(number.is_null() | ~number.is_finite(), f"{name} is not a time")
        return TimeColumn(number, is_number=True)
    instant = parse_instant(text, found)
    checks.refuse(instant.is_null(), f"{name} is not a time like {found!r}")
    return TimeColumn(instant.cast(pl.Float64), is_number=False)


def _refuse_text_of_unknown_form(name: str, sample: pl.Series) -> None:
    """Raises `DataError` when nothing in the sample is a number: then no row would be a time."""
    filled = sample.cast(pl.String).drop_nulls().str.strip_chars()
    said = filled.filter(filled != "")
    if len(said) and said.cast(pl.Float64, strict=False).null_count() == len(said):
        raise DataError(
            f"time must be numbers or dates such as 2018-01-31 12:00:00. Got {name!r} with {said[0]!r}. "
            'Say its form, for instance time_format = "%d/%m/%Y %H:%M".'
        )


def parse_instant(text: pl.Expr, time_format: str) -> pl.Expr:
    """Returns text as Int64 milliseconds since 1970-01-01 UTC, null where it does not fit the format."""
    return text.str.to_datetime(time_format, strict=False, time_unit="ms").cast(pl.Int64)


def time_format_of(sample: pl.Series) -> str | None:
    """Returns the format that reads most of the sample; None when plain numbers do at least as well."""
    text = sample.drop_nulls().str.strip_chars()
    frame = text.alias("t").to_frame()
    best, most = None, int(text.cast(pl.Float64, strict=False).is_not_null().sum())
    for candidate in _TIME_FORMATS:
        fits = int(frame.select(parse_instant(pl.col("t"), candidate).is_not_null().sum()).item())
        if fits > most:
            best, most = candidate, fits
    return best


def unit_classes(time: np.ndarray) -> np.ndarray:
    """Returns uint8 for each number: 0 before 1973 in every unit, else 1 + its place in `UNITS`.

    Instants between 1973 and 5138 have 9 to 11 digits in seconds, 12 to 14 in milliseconds, and so on.
    """
    size = np.abs(time)
    found = np.zeros(len(time), np.uint8)
    for bound in (1e8, 1e11, 1e14, 1e17):
        found += size >= bound
    return found


def to_milliseconds(time: np.ndarray, unit: str) -> np.ndarray:
    """Returns int64 milliseconds of numbers in a unit; what is not finite becomes 0. The input is spent."""
    if unit not in UNITS:
        raise DataError(f"time_unit must be one of {', '.join(UNITS)} or auto. Got {unit!r}.")
    scaled = np.nan_to_num(time, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    scaled *= 1000 / _PER_SECOND[unit]
    np.clip(scaled, -_LATEST, _LATEST, out=scaled)
    return np.rint(scaled, out=scaled).astype(np.int64)
