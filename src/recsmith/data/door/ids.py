"""Ids at the door: integers where every id is a plain integer, else text; and their codes."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsmith.data.vocabulary import Vocabulary

_PLAIN_INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"


def tidy(ids: pl.Series) -> pl.Series:
    """Returns ids as Int64 when every one of them is a plain integer, else as text without blanks around.

    "007" and "1.0" are text: reading them as 7 and 1 would lose what they say.
    """
    if ids.dtype.is_integer():
        return ids.cast(pl.Int64, strict=False)
    text = ids.cast(pl.String).str.strip_chars()
    filled = text.drop_nulls()
    return text.cast(pl.Int64) if len(filled) and filled.str.contains(_PLAIN_INTEGER).all() else text


def vocabulary_of(column: pl.Series) -> tuple[Vocabulary, np.ndarray | None]:
    """Returns the sorted vocabulary of an id column and, for a Categorical, the code of each category."""
    if column.dtype == pl.Int64:
        return Vocabulary.from_column(column), None
    distinct = column.unique()
    ids = tidy(distinct.cast(pl.String))
    vocabulary = Vocabulary.from_column(ids)
    places = distinct.to_physical().to_numpy()
    code_of = np.full(int(places.max()) + 1, -1, np.int32)
    code_of[places] = vocabulary.encode(ids)
    return vocabulary, code_of


def codes_of(column: pl.Series, vocabulary: Vocabulary, code_of: np.ndarray | None) -> np.ndarray:
    """Returns the int32 code of each row of an id column."""
    if code_of is not None:
        return code_of[column.to_physical().to_numpy()]
    return vocabulary.encode(column)
