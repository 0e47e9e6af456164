"""Item vectors for Diversity, from the data and never from a model: features, or else who had the item."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data import Dataset


def item_vectors_of(data: Dataset) -> tuple[sparse.csr_matrix, str]:
    """Gives vectors [I, F] and a sentence on where they are from.

    One column for each value of the categorical and multi-valued item features (1 = the item has it);
    without such features one for each train user (1 = the user had the item).
    """
    table = data.item_table
    names = [f.name for f in data.item_features if f.kind in ("categorical", "multi")]
    blocks = [] if table is None else [_one_hot(table[name]) for name in names if name in table.columns]
    used = [name for name in names if table is not None and name in table.columns]
    if blocks:
        return sparse.csr_matrix(sparse.hstack(blocks)), f"item features ({', '.join(used)})"
    return sparse.csr_matrix(data.binary().T), "the train users who had each item"


def _one_hot(column: pl.Series) -> sparse.csr_matrix:
    """Gives a 0/1 column for each value of a feature; list columns count each of their values."""
    rows = pl.DataFrame({"row": np.arange(len(column), dtype=np.int64), "value": column})
    if column.dtype == pl.List:
        rows = rows.explode("value")
    known = rows.drop_nulls().with_columns(pl.col("value").cast(pl.String)).unique(maintain_order=True)
    code = known["value"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (len(column), int(code.max(initial=-1)) + 1)
    return sparse.csr_matrix((np.ones(len(code)), (known["row"].to_numpy(), code)), shape=shape)
