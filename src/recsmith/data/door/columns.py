"""Columns: which column of a table is the user, the item, the weight, the time; with help for the lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from recsmith.errors import DataError

KNOWN_AS = {
    "user": ("user", "userid", "uid", "customer", "customerid", "visitorid", "reviewerid", "memberid"),
    "item": ("item", "itemid", "iid", "movie", "movieid", "product", "productid", "sku", "asin", "trackid",
             "songid", "bookid", "isbn", "articleid", "videoid", "artistid"),
    "weight": ("rating", "stars", "score", "weight", "overall", "count", "plays"),
    "time": ("timestamp", "time", "ts", "date", "datetime", "unixreviewtime", "createdat", "eventtime"),
    "event": ("event", "eventtype", "action", "behavior", "behaviour"),
}  # fmt: skip
"""What logs call our columns, letters and digits only, in lower case."""

SEPARATORS = {"\t": "tab", ";": ";", "|": "|", "::": "::", ",": ",", " ": "space"}


@dataclass(frozen=True)
class Columns:
    """Names the columns of a log; None is to be found out by its usual names, "" is none."""

    user: str | None = None
    item: str | None = None
    weight: str | None = None
    time: str | None = None
    event: str | None = None


def resolve(
    wanted: Columns, available: Sequence[str], *, source: str, guess: bool = True, first_line: str = ""
) -> Columns:
    """Returns the columns with every name checked against the table's own.

    `user` and `item` that are None are found by their usual names; with `guess` so are `weight` and `time`,
    where they are there. "" for one of these two means that the log has none.
    Raises `DataError` for a column that is not there, with the nearest name; for a table of one column with
    the separator that its first line seems to use.
    """
    user = wanted.user or _usual("user", available)
    item = wanted.item or _usual("item", available)
    weight, time = wanted.weight, wanted.time
    if guess and weight is None and not wanted.event:
        weight = _usual("weight", available)
    if guess and time is None:
        time = _usual("time", available)
    table = _Table(available, source, first_line)
    found = Columns(_present("user", user, table), _present("item", item, table),
                    _optional("weight", weight, table), _optional("time", time, table),
                    _optional("event", wanted.event, table))  # fmt: skip
    named = [name for name in (found.user, found.item, found.weight, found.time, found.event) if name]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"each of user, item, weight, time must be a column of its own. Got {twice!r} twice.")
    return found


def plain(name: str) -> str:
    """Returns a column name as letters and digits in lower case, so that userId is user_id."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def nearest_column(name: str, available: Sequence[str], *, role: str = "") -> str:
    """Returns the sentence that suggests the column that was probably meant, or nothing."""
    best = process.extractOne(name, available, scorer=fuzz.WRatio, processor=plain, score_cutoff=70)
    close = best[0] if best else _usual(role, available)
    return f"Did you mean {close!r}?" if close else ""


def looks_like_separator(line: str) -> str | None:
    """Returns the separator that splits a line into the most fields, or None."""
    counts = {separator: line.count(separator) for separator in SEPARATORS if separator != " "}
    best = max(counts, key=lambda separator: (counts[separator], len(separator)))
    if counts[best]:
        return best
    return " " if " " in line.strip() else None


def _usual(role: str, available: Sequence[str]) -> str | None:
    by_plain = {plain(name): name for name in reversed(available)}
    return next((by_plain[known] for known in KNOWN_AS.get(role, ()) if known in by_plain), None)


@dataclass(frozen=True)
class _Table:
    columns: Sequence[str]
    source: str
    first_line: str


def _present(role: str, name: str | None, table: _Table) -> str:
    if name is not None and name in table.columns:
        return name
    got = repr(name) if name is not None else "no name, and none of the usual ones is there"
    columns = _list(table.columns)
    raise DataError(
        f"{role} must be a column of {table.source} ({columns}). Got {got}." + _cure(role, name, table)
    )


def _optional(role: str, name: str | None, table: _Table) -> str | None:
    return None if not name else _present(role, name, table)


def _cure(role: str, name: str | None, table: _Table) -> str:
    if len(table.columns) == 1:
        separator = looks_like_separator(table.first_line or table.columns[0])
        if separator is not None:
            return (
                f" The table has one column only: its separator looks like {SEPARATORS[separator]!r},"
                f" so say separator = {separator!r}."
            )
    if table.columns and all(re.fullmatch(r"-?\d+(\.\d+)?", column.strip()) for column in table.columns):
        return " The first line looks like data: say header = false, then name column_1, column_2, …"
    hint = nearest_column(name, table.columns, role=role) if name else ""
    return f" {hint}" if hint else ""


def _list(available: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= 60 else f"{name[:60]}…" for name in available[:20])
    return shown + (", …" if len(available) > 20 else "")
