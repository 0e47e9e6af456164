"""Moves a data set from its own vocabularies to wider ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset
from recsmith.data.interactions import Interactions
from recsmith.data.vocabulary import Vocabulary
from recsmith.errors import UnknownId


def recode(data: Dataset, *, users: Vocabulary, items: Vocabulary) -> Dataset:
    """Returns the data set in the given vocabularies, which must hold every id it has.

    Rows of the side tables that the data set lacks are empty. Raises `UnknownId` for an id that the new
    vocabularies lack.
    """
    new_user = _map(data.users, users, "user")
    new_item = _map(data.items, items, "item")
    events = data.interactions
    return replace(
        data,
        interactions=Interactions.from_arrays(
            new_user[events.user], new_item[events.item], events.weight, events.time
        ),
        users=users,
        items=items,
        item_table=_spread(data.item_table, items, "item_id"),
        user_table=_spread(data.user_table, users, "user_id"),
    )


def _map(old: Vocabulary, new: Vocabulary, kind: str) -> np.ndarray:
    codes = new.encode(old.ids)
    if (codes < 0).any():
        raise UnknownId(kind, old.decode(np.flatnonzero(codes < 0)[:5]))
    return codes


def _spread(table: pl.DataFrame | None, vocabulary: Vocabulary, id_column: str) -> pl.DataFrame | None:
    if table is None:
        return None
    ids = pl.DataFrame({id_column: vocabulary.ids.cast(table.schema[id_column])})
    return ids.join(table, on=id_column, how="left", maintain_order="left").select(table.columns)
