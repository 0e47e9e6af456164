"""What a request tells besides events: features of people whom training never saw, and the time of asking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue, Shown, nearest

Features = Mapping[str, Any]
"""A person's features by name: text, a number, a list of texts or a time, as the column is."""

_TYPES: dict[str, Any] = {
    "number": pl.Float64,
    "time": pl.Datetime("ms"),
    "multi": pl.List(pl.String),
    "categorical": pl.String,
    "text": pl.String,
}
_MUST_BE = {
    "number": "a finite number",
    "time": "a date, or milliseconds since 1970",
    "multi": "a list of texts or whole numbers",
    "categorical": "a text or a whole number",
    "text": "a text",
}
_YEAR_9999 = 253_402_300_800_000  # ms


def told_table(
    columns: Sequence[Column], given: Sequence[Features], *, model: str, of: str = "people"
) -> pl.DataFrame | None:
    """Returns a row a person (or item) with the columns that a model reads; None where nothing is told.

    Raises `InvalidValue` for a feature that the model does not read, with the nearest name, and for a value
    of another kind. A value that training never met is read as unknown.
    """
    if isinstance(given, str | Mapping) or not all(isinstance(one, Mapping) for one in given):
        raise InvalidValue("features", "a list of mappings from name to value", given, "Write [{...}].")
    if not any(given):
        return None
    if not columns:
        raise InvalidValue("features", f"left out: {model} reads none of {of}", _first(given))
    known = {column.name: column for column in columns}
    for one in given:
        for name in one:
            if name not in known:
                cure = nearest(str(name), known) or f"There are: {', '.join(known)}."
                raise InvalidValue("features", f"what {model} reads of {of}", name, cure)
    return as_table(columns, [{name: read(known[name], one[name]) for name in one} for one in given])


def kept_features(columns: Sequence[Column], kept: Features) -> Features:
    """Returns those facts, as a store has them, that a model reads and that are of its kinds.

    A text stands for several values where it has them between bars: "Comedy|Drama".
    """
    found = {}
    for column in columns:
        value = kept.get(column.name)
        if column.kind == "multi" and isinstance(value, str):
            value = [part for part in value.split("|") if part]
        try:
            found[column.name] = read(column, value)
        except InvalidValue:
            continue
    return {name: value for name, value in found.items() if value is not None}


def read(column: Column, value: Any) -> Any:
    """Returns a value as its column holds it; None is nothing told."""
    if value is None:
        return None
    kind = column.kind
    found: Any = None
    if kind == "number" and _is_number(value):
        found = float(value)
    elif kind == "time":
        found = _instant(value)
    elif kind == "text" and isinstance(value, str):
        found = value
    elif kind == "categorical" and _is_token(value):
        found = str(value)
    elif kind == "multi" and isinstance(value, Sequence) and not isinstance(value, str):
        found = [str(part) for part in value] if all(map(_is_token, value)) else None
    if found is None:
        raise InvalidValue(f"features.{column.name}", _MUST_BE[kind], value)
    return found


def asking_time(at: datetime | None, n: int, *, reads_time: bool, model: str) -> np.ndarray | None:
    """Returns when each of n people asks, int64 ms; raises for a model that does not read it."""
    if at is None:
        return None
    if not isinstance(at, datetime):
        raise InvalidValue("at", "a datetime", at)
    if not reads_time:
        raise InvalidValue("at", f"left out: {model} does not read when somebody asks", Shown(at.isoformat()))
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return np.full(n, round(aware.timestamp() * 1000), np.int64)


def _first(given: Sequence[Features]) -> Shown:
    return Shown(", ".join(dict.fromkeys(str(name) for one in given for name in one)))


def as_table(columns: Sequence[Column], rows: Sequence[Features]) -> pl.DataFrame:
    """Returns values that `read` gave as a table of the columns' types, a row a person or item."""
    return pl.DataFrame(
        {
            column.name: pl.Series(
                column.name, [row.get(column.name) for row in rows], dtype=_TYPES[column.kind]
            )
            for column in columns
        }
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _is_token(value: Any) -> bool:
    return isinstance(value, str | int | np.integer)


def _instant(value: Any) -> datetime | None:
    """Returns a time without zone, UTC; None for what is none."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        if _is_number(value) and abs(value) < _YEAR_9999:
            return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        pass
    return None
