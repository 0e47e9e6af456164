"""Item vectors for Diversity, from the data and never from a model: features, or else who had the item."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data import Dataset
from recsmith.rng import generator

MOST_USERS: Final = 5_000
"""More train users than these are sampled: a vector an item must not grow with the log."""


def item_vectors_of(data: Dataset) -> tuple[sparse.csr_matrix, str]:
    """Gives vectors [I, F] and a sentence on where they are from.

    One column for each value of the categorical and multi-valued item features (1 = the item has it); without
    such features one for each train user (1 = the user had the item), or for a fixed sample of 5,000 users.
    """
    table = data.item_table
    wanted = [f.name for f in data.item_features if f.kind in ("categorical", "multi")]
    names = [] if table is None else [name for name in wanted if name in table.columns]
    if table is not None and names:
        blocks = [_one_hot(table[name]) for name in names]
        return sparse.csr_matrix(sparse.hstack(blocks)), f"item features ({', '.join(names)})"
    users = np.unique(data.interactions.user)
    if len(users) <= MOST_USERS:
        return _holders(data, users), "the train users who had each item"
    sample = np.sort(generator(0, "item vectors").choice(users, MOST_USERS, replace=False))
    return _holders(data, sample), f"which of {MOST_USERS:,} sampled train users had each item"


def _holders(data: Dataset, users: np.ndarray) -> sparse.csr_matrix:
    """Gives 1 where the item was taken by the user, [I, users]."""
    return sparse.csr_matrix(data.histories(users).binary(data.n_items).T)


def _one_hot(column: pl.Series) -> sparse.csr_matrix:
    """Gives a 0/1 column for each value of a feature; list columns count each of their values."""
    rows = pl.DataFrame({"row": np.arange(len(column), dtype=np.int64), "value": column})
    if column.dtype == pl.List:
        rows = rows.explode("value")
    known = rows.drop_nulls().with_columns(pl.col("value").cast(pl.String)).unique(maintain_order=True)
    code = known["value"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (len(column), int(code.max(initial=-1)) + 1)
    return sparse.csr_matrix((np.ones(len(code)), (known["row"].to_numpy(), code)), shape=shape)
