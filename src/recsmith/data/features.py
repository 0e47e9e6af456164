"""Features: side tables about items and users, joined to the log by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset, Feature, FeatureKind
from recsmith.data.door.checks import UNITS, parse_instant, time_format_of, to_milliseconds, unit_classes
from recsmith.data.door.columns import nearest_column
from recsmith.data.door.ids import tidy
from recsmith.data.recode import recode
from recsmith.data.vocabulary import Vocabulary
from recsmith.errors import DataError, InvalidValue

Side = Literal["item", "user"]


def add_item_table(
    data: Dataset,
    table: pl.DataFrame | pl.LazyFrame,
    *,
    id: str = "item_id",  # the word the recipe uses
    title: str | None = None,
    features: Mapping[str, FeatureKind] | None = None,
    multi_separator: str = "|",
) -> Dataset:
    """Returns the data set with what a table says about items.

    Items that only the table has join the catalogue, so codes may change; items that only the log has stay,
    with empty cells, and the notes count them. `title` names the column that people know an item by, which is
    called `title` from then on. `features` says which columns models may use and how to read them: a `multi`
    cell is split at `multi_separator`. A cell that cannot be read as its kind is empty, and counted.
    """
    renamed = {"title": title} if title else {}
    frame = _prepare(table, id, "item", features or {}, renamed)
    ids, notes = _distinct_ids(frame, "item")
    wide = _with_vocabulary(data, ids["item_id"], "item")
    readings, kinds, said = _read_features(ids, features or {}, renamed, multi_separator)
    full = _join(wide.items, "item_id", wide.item_table, readings)
    notes += _count_absent(data.items, ids["item_id"], "item") + said
    found = replace(wide, item_table=full, item_features=_merged(data.item_features, kinds))
    return _noted(found, notes)


def add_user_table(
    data: Dataset,
    table: pl.DataFrame | pl.LazyFrame,
    *,
    id: str = "user_id",  # the word the recipe uses
    features: Mapping[str, FeatureKind] | None = None,
    multi_separator: str = "|",
) -> Dataset:
    """Returns the data set with what a table says about users; the rules are those of `add_item_table`."""
    frame = _prepare(table, id, "user", features or {}, {})
    ids, notes = _distinct_ids(frame, "user")
    wide = _with_vocabulary(data, ids["user_id"], "user")
    readings, kinds, said = _read_features(ids, features or {}, {}, multi_separator)
    full = _join(wide.users, "user_id", wide.user_table, readings)
    notes += _count_absent(data.users, ids["user_id"], "user") + said
    found = replace(wide, user_table=full, user_features=_merged(data.user_features, kinds))
    return _noted(found, notes)


def _prepare(
    table: pl.DataFrame | pl.LazyFrame,
    id_column: str,
    side: Side,
    features: Mapping[str, FeatureKind],
    renamed: Mapping[str, str],
) -> pl.DataFrame:
    """Returns the table with its id column named and its columns checked."""
    frame = table.lazy().collect()
    for name in (id_column, *features, *renamed.values()):
        if name not in frame.columns:
            hint = nearest_column(name, frame.columns)
            known = ", ".join(frame.columns[:20])
            raise DataError(
                f"{side} table must have the column {name!r}. Got {known}." + (f" {hint}" if hint else "")
            )
    for name, kind in features.items():
        if kind not in get_args(FeatureKind):
            raise InvalidValue(f"features.{name}", f"one of {', '.join(get_args(FeatureKind))}", kind)
    names = {id_column: f"{side}_id"} | {old: new for new, old in renamed.items() if old not in features}
    return frame.rename({old: new for old, new in names.items() if old != new})


def _distinct_ids(frame: pl.DataFrame, side: Side) -> tuple[pl.DataFrame, list[str]]:
    """Returns one row for each id that is there, the last one of those that repeat."""
    column = f"{side}_id"
    tidied = frame.with_columns(tidy(frame[column]).alias(column))
    if tidied.schema[column] == pl.String:
        tidied = tidied.with_columns(pl.when(pl.col(column) != "").then(pl.col(column)).alias(column))
    filled = tidied.filter(pl.col(column).is_not_null())
    distinct = filled.unique(column, keep="last", maintain_order=True)
    notes = []
    if len(filled) < len(frame):
        notes.append(f"{side} table: {len(frame) - len(filled):,} rows without an id were left out")
    if len(distinct) < len(filled):
        repeats = len(filled) - len(distinct)
        notes.append(f"{side} table: {repeats:,} rows repeat an id; the last row of an id was kept")
    return distinct, notes


def _with_vocabulary(data: Dataset, ids: pl.Series, side: Side) -> Dataset:
    """Returns the data set with a vocabulary that has the ids too, in sorted order."""
    old = data.items if side == "item" else data.users
    if len(ids) == 0 or (old.encode(ids) >= 0).all():
        return data
    both = (old.ids, ids)
    same = both if old.ids.dtype == ids.dtype else tuple(s.cast(pl.String) for s in both)
    new = Vocabulary.from_column(pl.concat([series.alias("id") for series in same]))
    if side == "item":
        return recode(data, users=data.users, items=new)
    return recode(data, users=new, items=data.items)


def _read_features(
    frame: pl.DataFrame, features: Mapping[str, FeatureKind], renamed: Mapping[str, str], separator: str
) -> tuple[pl.DataFrame, tuple[Feature, ...], list[str]]:
    """Returns the table with each feature column in the type of its kind, the features, and what to note."""
    kinds, notes, columns = [], [], {}
    for name, kind in features.items():
        column = _READERS[kind](frame[name], separator)
        lost = int((column.is_null() & frame[name].is_not_null() & _is_filled(frame[name])).sum())
        if lost:
            notes.append(f"feature {name}: {lost:,} cells could not be read as {kind} and are empty")
        columns[name] = column.alias(name)
        kinds.append(Feature(name, kind))
    read = frame.with_columns(**columns)
    copies = {new: read[old] for new, old in renamed.items() if old in features and old != new}
    return read.with_columns(**copies), tuple(kinds), notes


def _is_filled(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return (column.str.strip_chars() != "").fill_null(value=False)
    return column.is_not_null()


def _words(column: pl.Series, separator: str) -> pl.Series:
    text = column.cast(pl.String).str.strip_chars()
    return text.to_frame("x").select(pl.when(pl.col("x") != "").then(pl.col("x")))["x"]


def _lists(column: pl.Series, separator: str) -> pl.Series:
    parts = column if isinstance(column.dtype, pl.List) else column.cast(pl.String).str.split(separator)
    cleaned = pl.col("x").list.eval(pl.element().cast(pl.String).str.strip_chars())
    filled = cleaned.list.eval(pl.element().filter(pl.element() != ""))
    return parts.to_frame("x").select(filled.list.unique(maintain_order=True).fill_null([]))["x"]


def _numbers(column: pl.Series, separator: str) -> pl.Series:
    bare = column.str.strip_chars() if column.dtype == pl.String else column
    numbers = bare.cast(pl.Float64, strict=False)
    return numbers.to_frame("x").select(pl.when(pl.col("x").is_finite()).then(pl.col("x")))["x"]


def _times(column: pl.Series, separator: str) -> pl.Series:
    if column.dtype in (pl.Date, pl.Datetime):
        return column.dt.timestamp("ms").cast(pl.Datetime("ms"))
    if column.dtype == pl.String:
        found = time_format_of(column)
        if found is not None:
            text = pl.col("x").str.strip_chars()
            instants = column.to_frame("x").select(parse_instant(text, found))["x"]
            return instants.cast(pl.Datetime("ms"))
    numbers = _numbers(column, separator)
    filled = numbers.fill_null(0.0).to_numpy()
    classes = unit_classes(filled)[numbers.is_not_null().to_numpy()]
    most = int(np.bincount(classes).argmax()) if len(classes) else 0
    unit = UNITS[max(most - 1, 0)]
    instants = pl.Series(to_milliseconds(np.array(filled), unit)).cast(pl.Datetime("ms"))
    both = pl.DataFrame({"number": numbers, "instant": instants})
    return both.select(pl.when(pl.col("number").is_not_null()).then(pl.col("instant")))["instant"]


_READERS = {"categorical": _words, "multi": _lists, "text": _words, "number": _numbers, "time": _times}


def _join(
    vocabulary: Vocabulary, id_column: str, present: pl.DataFrame | None, new: pl.DataFrame
) -> pl.DataFrame:
    """Returns a table in code order with the columns there were and the new ones."""
    ids = pl.DataFrame({id_column: vocabulary.ids})
    added = new.with_columns(pl.col(id_column).cast(vocabulary.ids.dtype))
    lists = [name for name, dtype in added.schema.items() if isinstance(dtype, pl.List)]
    joined = ids.join(added, on=id_column, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col(lists).fill_null([])) if lists else joined
    if present is None:
        return joined
    kept = [name for name in present.columns if name not in joined.columns]
    return pl.concat([joined, present.select(kept)], how="horizontal") if kept else joined


def _count_absent(vocabulary: Vocabulary, ids: pl.Series, side: Side) -> list[str]:
    """Returns sentences on the ids that only one of the log and the table has."""
    n_both = int((vocabulary.encode(ids) >= 0).sum())
    only_log, only_table = len(vocabulary) - n_both, len(ids) - n_both
    notes = []
    if only_log:
        notes.append(f"{side} table: {only_log:,} of {len(vocabulary):,} {side}s of the log are not in it")
    if only_table:
        notes.append(f"{side} table: {only_table:,} {side}s are in no interaction; they join the catalogue")
    return notes


def _merged(old: Sequence[Feature], new: Sequence[Feature]) -> tuple[Feature, ...]:
    names = {feature.name for feature in new}
    return (*(feature for feature in old if feature.name not in names), *new)


def _noted(data: Dataset, sentences: Sequence[str]) -> Dataset:
    return replace(data, notes=replace(data.notes, steps=(*data.notes.steps, *sentences)))
