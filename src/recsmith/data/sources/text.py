"""Text tables: CSV, TSV and their kin, with any separator, encoding or header, plain or gzipped."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import polars as pl

from recsmith.data.door.columns import looks_like_separator
from recsmith.data.door.raw import EXTRA, Locate, RawTable
from recsmith.errors import DataError, InvalidValue

_CHUNK = 1 << 20
_SAMPLE_LINES = 20
_GZIP_MAGIC = b"\x1f\x8b"
# polars splits at one byte; the ASCII unit separator takes the place of a longer separator.
_STAND_IN = "\x1f"
_NEWLINE = re.compile(r"\r\n|\n|\r")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class TextFacts:
    """Says what one pass over a text file found out."""

    encoding: str
    n_bytes: int
    n_lines: int
    """Blank ones and the header too, and one that the file's end cuts off."""
    has_quotes: bool
    has_stand_in: bool
    old_newlines: bool
    open_end: bool
    cut_end: bool
    """Whether the file ends in the middle of a character."""
    blank_start: int
    """Blank lines before the first that says something."""
    first_lines: tuple[str, ...]
    remarks: tuple[str, ...]


def scan_text(
    path: Path,
    *,
    separator: str | None = None,
    header: bool = True,
    encoding: str = "utf-8",
    quote: str = '"',
) -> RawTable:
    """Returns a text file as a table of text columns, read lazily.

    `separator` is found out from the first lines when None and may be several characters; those files
    cannot quote. A file that is not UTF-8 is read as Latin-1 with a remark, or as the `encoding` given.
    Without a header the columns are `column_1`, `column_2`, … Raises `DataError` for an empty file.
    """
    facts = inspect_text(path, encoding=encoding)
    if not facts.first_lines:
        raise DataError(f"{path} must be a table with at least one row. Got an empty file.")
    split_at = separator or guess_separator(facts.first_lines, path)
    may_quote = bool(quote) and len(split_at) == 1 and (facts.has_quotes or quote != '"')
    quote_char = quote if may_quote else None
    first = _fields(facts.first_lines[0], split_at, quote_char)
    names = _unique(first, path) if header else [f"column_{number}" for number in range(1, len(first) + 1)]
    n_skipped = facts.blank_start + (1 if header else 0)
    is_utf8 = facts.encoding in ("utf-8", "utf-8-sig") and not facts.cut_end
    plain = is_utf8 and len(split_at) == 1 and not facts.old_newlines
    source: Path | io.BytesIO = path if plain else _transcoded(path, facts, split_at)
    frame = pl.scan_csv(
        source,
        schema=dict.fromkeys([*names, EXTRA], pl.String),
        has_header=False,
        skip_lines=n_skipped,
        separator=split_at if len(split_at) == 1 else _STAND_IN,
        quote_char=quote_char,
        truncate_ragged_lines=True,  # what is beyond EXTRA; EXTRA itself gives such a line away
        missing_columns="insert",
        glob=False,
    )
    return RawTable(
        frame,
        str(path),
        _by_line(path, facts.encoding, quote_char, split_at, n_skipped),
        open_end=facts.open_end,
        cut_end=facts.cut_end,
        blank_rows=True,
        # A line feed is one byte in these alone; without quotes no row can be longer than its line.
        n_lines=facts.n_lines - n_skipped if quote_char and "utf-16" not in facts.encoding else None,
        remarks=facts.remarks,
        first_line=facts.first_lines[0],
        columns=tuple(names),
    )


def inspect_text(path: Path, *, encoding: str = "utf-8") -> TextFacts:
    """Reads a text file once, a megabyte at a time, and says how it must be read.

    Raises `DataError` when the encoding given does not fit or a gzip file is cut short.
    """
    try:
        named = codecs.lookup(encoding).name
    except LookupError:
        raise InvalidValue("encoding", "one that Python knows, such as utf-8 or latin-1", encoding) from None
    with open_bytes(path) as file:
        head = _read(file, 4, path)
        bom = next((name for mark, name in _BOMS if head.startswith(mark)), None)
        wanted = bom or named
        decoder = codecs.getincrementaldecoder(wanted)()
        latin = False
        n_bytes, n_feeds, n_returns, last = 0, 0, 0, b""
        quotes = stand_in = returns = newlines = False
        sample = b""
        chunk = head
        while chunk:
            n_bytes += len(chunk)
            last = chunk[-2:]
            quotes = quotes or b'"' in chunk
            stand_in = stand_in or _STAND_IN.encode() in chunk
            returns = returns or b"\r" in chunk
            newlines = newlines or b"\n" in chunk
            n_feeds += chunk.count(b"\n")
            n_returns += chunk.count(b"\r")
            if len(sample) < _CHUNK:
                sample += chunk
            if not latin:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    if wanted not in ("utf-8", "utf-8-sig"):
                        raise DataError(f"{path} must be text in {wanted}. Got {error}.") from error
                    latin = True
            chunk = _read(file, _CHUNK, path)
    cut_end = not latin and _is_unfinished(decoder)
    found = "latin-1" if latin else wanted
    remarks = (f"{path} is not UTF-8; it was read as Latin-1",) if latin else ()
    lines = [line.removeprefix("\ufeff") for line in _NEWLINE.split(sample.decode(found, errors="ignore"))]
    blank_start = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    ends = last.endswith((b"\n", b"\r", b"\n\x00", b"\x00\n"))
    return TextFacts(
        found,
        n_bytes,
        (n_feeds if newlines else n_returns) + (n_bytes > 0 and not ends),
        has_quotes=quotes,
        has_stand_in=stand_in,
        old_newlines=returns and not newlines,
        open_end=n_bytes > 0 and not ends,
        cut_end=cut_end,
        blank_start=blank_start,
        first_lines=tuple(lines[blank_start : blank_start + _SAMPLE_LINES]),
        remarks=remarks,
    )


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for its bytes, unpacked when it is gzip. Raises `DataError` when it is not there."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
    except OSError as error:
        raise DataError(f"{path} must be a file that can be read. Got: {error.strerror}.") from error
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def decoded(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """Returns the text of a file; what is left of a character at its end is shown as one that is unknown."""
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=None)


def _is_unfinished(decoder: codecs.IncrementalDecoder) -> bool:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return True
    return False


def guess_separator(lines: Sequence[str], path: Path) -> str:
    """Returns the separator that splits most of the first lines alike; a tab for .tsv."""
    if ".tsv" in path.suffixes:
        return "\t"
    filled = [line for line in lines if line.strip()]
    best = looks_like_separator(filled[0])
    for candidate in ("\t", "::", ";", "|", ","):
        counts = {line.count(candidate) for line in filled}
        if len(counts) == 1 and counts != {0}:
            return candidate
    return best if best and best != " " else ","


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    try:
        return file.read(size)
    except (EOFError, OSError) as error:
        raise DataError(
            f"{path} must be a whole file. Got gzip that is cut short or damaged ({error}). Fetch it again."
        ) from error


def _fields(line: str, separator: str, quote: str | None) -> list[str]:
    if quote is None or len(separator) > 1:
        return [field.strip() for field in line.split(separator)]
    return [field.strip() for field in next(csv.reader([line], delimiter=separator, quotechar=quote))]


def _unique(names: list[str], path: Path) -> list[str]:
    """Returns header names; those that are empty get one. Raises `DataError` for a name given twice."""
    filled = [name or f"column_{number}" for number, name in enumerate(names, start=1)]
    twice = next((name for name in filled if filled.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"the header of {path} must name each column once. Got {twice!r} twice.")
    return filled


def _transcoded(path: Path, facts: TextFacts, separator: str) -> io.BytesIO:
    """Returns the file as UTF-8 with one-character separators and newlines, in memory."""
    with open_bytes(path) as file:
        text = file.read().decode(facts.encoding, errors="replace")
    if len(separator) > 1:
        if facts.has_stand_in:
            raise DataError(f"{path} must not hold the character 0x1F when its separator is {separator!r}.")
        text = text.replace(separator, _STAND_IN)
    if facts.old_newlines:
        text = text.replace("\r", "\n")
    return io.BytesIO(text.encode("utf-8"))


def _by_line(path: Path, encoding: str, quote: str | None, separator: str, n_skipped: int) -> Locate:
    """Returns the function that finds the line number and text of rows; reads the file again when asked."""

    def locate(rows: Sequence[int]) -> list[tuple[int, str]]:
        wanted, found = iter(rows), []
        target = next(wanted, None)
        with open_bytes(path) as file, decoded(file, encoding) as text:
            for _ in range(n_skipped):
                text.readline()
            for record, (line, raw) in enumerate(_records(text, separator, quote)):
                if target is None:
                    break
                if record == target:
                    found.append((n_skipped + line, raw))
                    target = next(wanted, None)
        return found

    return locate


def _records(text: io.TextIOWrapper, separator: str, quote: str | None) -> Iterator[tuple[int, str]]:
    """Yields each record's first line number and its text; a quoted one may take several lines."""
    if quote is None:
        yield from ((number, line.rstrip("\n")) for number, line in enumerate(text, start=1))
        return
    taken: list[str] = []

    def recording() -> Iterator[str]:
        for line in text:
            taken.append(line)
            yield line

    number = 1
    for _ in csv.reader(recording(), delimiter=separator, quotechar=quote):
        yield number, "".join(taken).rstrip("\n")
        number += len(taken)
        taken.clear()
