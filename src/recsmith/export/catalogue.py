"""catalogue.json: the items' ids, titles and other columns; row r is what a model file calls r."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl

from recsmith.models.memory import Memory

POPULARITY = "popularity"
"""The column with the number of people who took each item."""


def write_catalogue(memory: Memory, file: Path) -> None:
    """Writes the catalogue, column by column; what JSON lacks becomes text, not-a-number becomes null."""
    columns: dict[str, list[Any]] = {"item_id": memory.items.ids.to_list()}
    for column in memory.catalogue.iter_columns():
        if column.name not in ("item_id", POPULARITY):
            columns[column.name] = [_plain(value) for value in _castable(column).to_list()]
    columns[POPULARITY] = [int(count) for count in memory.popularity]
    text = json.dumps(columns, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    file.write_text(text + "\n", encoding="utf-8")


def _castable(column: pl.Series) -> pl.Series:
    return column.cast(pl.String) if column.dtype.is_temporal() or column.dtype == pl.Categorical else column


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
