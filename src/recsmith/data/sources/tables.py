"""Tables: CSV, TSV, Parquet and JSON lines, one file, several, or a glob."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl
from rapidfuzz import process

from recsmith.data.dataset import Dataset, Feedback
from recsmith.data.door import admit
from recsmith.data.door.admission import Admission
from recsmith.data.door.columns import Columns
from recsmith.data.door.duplicates import Duplicates
from recsmith.data.door.quarantine import OnBadRows
from recsmith.data.door.raw import EXTRA, RawTable, from_frame
from recsmith.data.door.reading import unreadable
from recsmith.data.sources.jsonl import scan_jsonl
from recsmith.data.sources.text import open_bytes, scan_text
from recsmith.errors import DataError, InvalidValue

Format = Literal["csv", "tsv", "parquet", "jsonl"]
Paths = str | Path | Sequence[str | Path]

_BY_ENDING: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


def read_table(
    path: Paths,
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    format: Format | None = None,  # the word the recipe uses
    separator: str | None = None,
    header: bool = True,
    encoding: str = "utf-8",
    quote: str = '"',
    on_bad_rows: OnBadRows = "error",
    quarantine: Path | str | None = None,
    duplicates: Duplicates = "keep_last",
    time_unit: str = "auto",
    time_format: str | None = None,
    feedback: Feedback | None = None,
    name: str | None = None,
) -> Dataset:
    """Returns the data set of an interaction log in files.

    `path` is a file, a list of files, or a glob; rows come in the order of the files, by name. Columns that
    are not named are found by their usual names (userId, movieId, rating, timestamp, …); "" for `weight` or
    `time` leaves such a column alone. `separator` is found out when not given and may be several characters.
    Text that is not UTF-8 is read as Latin-1 and the notes say so. Raises `DataError` for a table that cannot
    be read, `BadRows` for rows that cannot (with line numbers and reasons) unless `on_bad_rows` is
    "quarantine".
    """
    tables = scan_tables(
        path, format=format, separator=separator, header=header, encoding=encoding, quote=quote
    )
    admission = Admission(
        on_bad_rows=on_bad_rows,
        quarantine=quarantine,
        duplicates=duplicates,
        time_unit=time_unit,
        time_format=time_format,
        feedback=feedback,
    )
    columns = Columns(user, item, weight, time)
    return admit(tables, columns=columns, admission=admission, name=name or Path(tables[0].name).stem)


def scan_tables(
    path: Paths,
    *,
    format: Format | None = None,
    separator: str | None = None,
    header: bool = True,
    encoding: str = "utf-8",
    quote: str = '"',
) -> list[RawTable]:
    """Returns the files of a path, a list or a glob as raw tables, one each, unread as yet."""
    return [
        _scan(
            file,
            format or format_of(file),
            separator=separator,
            header=header,
            encoding=encoding,
            quote=quote,
        )
        for file in find_files(path)
    ]


def read_columns(
    path: Paths,
    *,
    format: Format | None = None,
    separator: str | None = None,
    header: bool = True,
    encoding: str = "utf-8",
    quote: str = '"',
) -> pl.DataFrame:
    """Returns a side table as it stands, for `add_item_table`; text files give text columns.

    Raises `DataError` for a line with more fields than the header.
    """
    frames = []
    for table in scan_tables(
        path, format=format, separator=separator, header=header, encoding=encoding, quote=quote
    ):
        try:
            frame = table.frame.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(unreadable(table.name, error)) from error
        if EXTRA in frame.columns:
            long = frame[EXTRA].is_not_null().arg_true().to_list()
            if long:
                line, raw = table.locate(long[:1])[0]
                raise DataError(
                    f"{table.name} must have one field for each column. Got line {line}: {raw!r}."
                )
            frame = frame.drop(EXTRA)
        if table.blank_rows:
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        frames.append(frame)
    return pl.concat(frames, how="diagonal_relaxed")


def find_files(path: Paths) -> list[Path]:
    """Returns the files that a path, a list of paths, or a glob means, those of a glob by name.

    Raises `DataError` when there is none, with the nearest name that is there.
    """
    if not isinstance(path, (str, Path)):
        found = [file for one in path for file in find_files(one)]
        if not found:
            raise InvalidValue("path", "a file, a list of files, or a glob", list(path))
        return found
    file = Path(path).expanduser()
    if file.is_file():
        return [file]
    if file.is_dir():
        raise DataError(
            f"path must be files, not a folder. Got {str(path)!r}. Say for instance {str(file / '*.csv')!r}."
        )
    matches = sorted(Path(match) for match in glob.glob(str(file), recursive=True))
    files = [match for match in matches if match.is_file()]
    if files:
        return files
    here = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
    near = process.extractOne(file.name, here, score_cutoff=75)
    raise DataError(
        f"path must be a file that is there. Got {str(path)!r}."
        + (f" Did you mean {near[0]!r}?" if near else "")
    )


def format_of(file: Path) -> Format:
    """Returns the format by the file's ending, or by its first bytes where the ending says nothing."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    known = _BY_ENDING.get(suffixes[-1]) if suffixes else None
    if known is not None:
        return known
    with open_bytes(file) as start:
        return "parquet" if start.read(4) == b"PAR1" else "csv"


def _scan(
    file: Path, format: Format, *, separator: str | None, header: bool, encoding: str, quote: str
) -> RawTable:
    if format == "jsonl":
        return scan_jsonl(file, encoding=encoding)
    if format == "parquet":
        try:
            frame = pl.scan_parquet(file, glob=False)
            frame.collect_schema()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{file} must be a Parquet file. Got: {str(error).splitlines()[0]}.") from error
        return from_frame(frame, name=str(file))
    if format not in ("csv", "tsv"):
        raise InvalidValue("format", "csv, tsv, parquet or jsonl", format)
    between = separator or ("\t" if format == "tsv" else None)
    return scan_text(file, separator=between, header=header, encoding=encoding, quote=quote)
