"""RawTable: a table as a source hands it to the door, with a way to show the people a row of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

EXTRA = "__more_fields__"
"""A column that a text source adds: it holds something where a line has more fields than the header."""

Locate = Callable[[Sequence[int]], list[tuple[int, str]]]


@dataclass(frozen=True)
class RawTable:
    """Holds a source's columns under their own names, unchecked.

    `locate` turns row numbers (0-based, ascending) into what a person looks up: the line number (1-based)
    and the raw text. `open_end` says that the file does not end with a newline, so that its last line may
    be cut. `blank_rows` says that rows without any value are blank lines, not data.
    """

    frame: pl.LazyFrame
    name: str
    locate: Locate
    unit: str = "line"
    open_end: bool = False
    cut_end: bool = False
    """Whether the file ends in the middle of a character, so that its last line is cut for certain."""
    blank_rows: bool = False
    n_lines: int | None = None
    """How many lines the rows stand on; None where no row can take several, or nobody counted."""
    remarks: tuple[str, ...] = ()
    first_line: str = ""
    """What a text file starts with, to guess the separator from when the table has one column."""
    extra_reason: str = "more fields than the header"
    columns: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.columns:
            names = tuple(name for name in self.frame.collect_schema().names() if name != EXTRA)
            object.__setattr__(self, "columns", names)


def from_frame(frame: pl.LazyFrame | pl.DataFrame, *, name: str) -> RawTable:
    """Returns a table whose rows are named by their number, counted from 1."""
    lazy = frame.lazy()
    return RawTable(lazy, name, _by_row_number(lazy), unit="row")


def _by_row_number(frame: pl.LazyFrame) -> Locate:
    def locate(rows: Sequence[int]) -> list[tuple[int, str]]:
        wanted = pl.Series(list(rows), dtype=pl.UInt32)
        found = frame.with_row_index("__row__").filter(pl.col("__row__").is_in(wanted.implode())).collect()
        texts = [json.dumps(row, default=str, ensure_ascii=False) for row in found.drop("__row__").to_dicts()]
        return [(row + 1, text) for row, text in zip(found["__row__"], texts)]

    return locate
