"""Quarantine: where rows go that the door refuses: into an error that shows them, or a file."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from recsmith.data.door.raw import RawTable
from recsmith.errors import BadRows, DataError

OnBadRows = Literal["error", "quarantine"]
_SHOWN = 5
_BATCH = 100_000
_LONGEST_RAW = 80


@dataclass(frozen=True)
class BadRow:
    """Is one refused row: where it stands, why it was refused, and what it says."""

    path: str
    line: int
    reason: str
    raw: str


def show_and_raise(
    tables: Sequence[RawTable], starts: np.ndarray, rows: np.ndarray, reasons: Sequence[str]
) -> None:
    """Raises `BadRows` with the number of refused rows by reason and the first few of them."""
    first = list(bad_rows(tables, starts, rows[:_SHOWN], reasons[:_SHOWN]))
    unit = tables[0].unit
    counts = "; ".join(f"{n:,} × {reason}" for reason, n in Counter(reasons).most_common())
    shown = "".join(f"\n  {row.path}, {unit} {row.line}: {row.reason}: {_short(row.raw)}" for row in first)
    more = f"\n  … and {len(rows) - len(first):,} more" if len(rows) > len(first) else ""
    noun = f"bad {unit}" if len(rows) == 1 else f"bad {unit}s"
    raise BadRows(
        f"{_names(tables)} must be free of bad {unit}s. Got {len(rows):,} {noun} ({counts}).{shown}{more}\n"
        'Correct them, or say on_bad_rows = "quarantine" to set them aside in a file.'
    )


def write(
    path: Path, tables: Sequence[RawTable], starts: np.ndarray, rows: np.ndarray, reasons: Sequence[str]
) -> None:
    """Writes refused rows as CSV: path, line, reason, raw text. The file appears whole or not at all.

    Raises `DataError` where it cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "line", "reason", "raw"])
            for row in bad_rows(tables, starts, rows, reasons):
                writer.writerow([row.path, row.line, row.reason, row.raw])
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise DataError(
            f"quarantine must be a file that can be written. Got {str(path)!r}: {error.strerror}."
        ) from error


def bad_rows(
    tables: Sequence[RawTable], starts: np.ndarray, rows: np.ndarray, reasons: Sequence[str]
) -> Iterator[BadRow]:
    """Yields refused rows with line and text; `rows` count through all tables, which begin at `starts`."""
    table_of = np.searchsorted(starts, rows, side="right") - 1
    for number, table in enumerate(tables):
        mine = np.flatnonzero(table_of == number)
        for begin in range(0, len(mine), _BATCH):
            part = mine[begin : begin + _BATCH]
            places = table.locate([int(row) for row in rows[part] - starts[number]])
            for index, (line, raw) in zip(part, places):
                yield BadRow(table.name, line, reasons[index], raw)


def _names(tables: Sequence[RawTable]) -> str:
    return tables[0].name if len(tables) == 1 else f"{tables[0].name} and {len(tables) - 1} more"


def _short(raw: str) -> str:
    return repr(raw if len(raw) <= _LONGEST_RAW else f"{raw[:_LONGEST_RAW]}…")
