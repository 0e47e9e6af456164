"""JSON lines: one object a line; lines that are not JSON objects are named by their number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from recsmith.data.door.raw import EXTRA, Locate, RawTable
from recsmith.data.sources.text import decoded, inspect_text, open_bytes
from recsmith.errors import DataError

_INFER = 10_000
_NOT_JSON = "not a JSON object"


def scan_jsonl(path: Path, *, encoding: str = "utf-8") -> RawTable:
    """Returns a JSON lines file as a table whose plain columns are text, so that each value is checked.

    A file with a line that is no JSON object is read line by line, and that line is a bad row.
    Raises `DataError` for an empty file.
    """
    facts = inspect_text(path, encoding=encoding)
    if not facts.first_lines:
        raise DataError(f"{path} must be a table with at least one row. Got an empty file.")
    locate = _by_line(path, facts.encoding)
    if facts.encoding in ("utf-8", "utf-8-sig") and not facts.cut_end:
        try:
            frame = _scan(path)
            frame.select(pl.len()).collect(engine="streaming")
            return RawTable(frame, str(path), locate, open_end=False, remarks=facts.remarks)
        except (pl.exceptions.PolarsError, OSError):
            pass  # a line is not JSON: find out which
    checked = _line_by_line(path, facts.encoding)
    return RawTable(
        checked.lazy(),
        str(path),
        locate,
        open_end=facts.open_end,
        cut_end=facts.cut_end,
        remarks=facts.remarks,
        extra_reason=_NOT_JSON,
    )


def _scan(path: Path) -> pl.LazyFrame:
    """Returns polars' own reading, numbers and text alike as text."""
    schema = pl.scan_ndjson(path, infer_schema_length=_INFER).collect_schema()
    plain = {name: pl.String for name, dtype in schema.items() if not dtype.is_nested()}
    return pl.scan_ndjson(path, infer_schema_length=_INFER, schema_overrides=plain)


def _line_by_line(path: Path, encoding: str) -> pl.DataFrame:
    """Returns the plain values of each line as text; a line that is no object is marked in EXTRA."""
    records: list[dict[str, str | None]] = []
    names: dict[str, None] = {}
    for _, line in _lines(path, encoding):
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            records.append({EXTRA: _NOT_JSON})
            continue
        record = {key: _as_text(one) for key, one in value.items() if not isinstance(one, (dict, list))}
        names.update(dict.fromkeys(record))
        records.append(record)
    if not names:
        raise DataError(f"{path} must be JSON lines. Got no line that is a JSON object.")
    return pl.DataFrame(records, schema=dict.fromkeys([*names, EXTRA], pl.String))


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with open_bytes(path) as file, decoded(file, encoding) as text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield number, line.rstrip("\n")


def _by_line(path: Path, encoding: str) -> Locate:
    def locate(rows: Sequence[int]) -> list[tuple[int, str]]:
        wanted = set(rows)
        return [place for row, place in enumerate(_lines(path, encoding)) if row in wanted]

    return locate
