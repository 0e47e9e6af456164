"""Turns item metadata of any kind into tokens: what a content model compares."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data.dataset import Feature
from recsmith.errors import InvalidValue


def token_counts(
    table: pl.DataFrame, feature: Feature, *, n_buckets: int
) -> tuple[sparse.csr_matrix, list[str]]:
    """Returns how often each item has each token of one feature, float32 [I, T], and the tokens, sorted.

    A category or each value of a multi-valued feature is a token; so is each word of a text (two letters or
    digits at least, case folded); numbers and times fall into `n_buckets` quantiles. Empty cells give none.
    """
    if feature.name not in table.columns:
        raise InvalidValue(f"item_table column {feature.name!r}", "there", table.columns)
    cells = table.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), token=pl.col(feature.name))
    if feature.kind in ("number", "time"):
        pairs = _buckets(cells, n_buckets)
    elif feature.kind == "text":
        pairs = _words(cells)
    else:
        lists = isinstance(cells["token"].dtype, pl.List | pl.Array)
        pairs = cells.explode("token") if lists else cells
    pairs = pairs.drop_nulls().with_columns(pl.col("token").cast(pl.String))
    pairs = pairs.filter(pl.col("token") != "")
    tokens = pairs["token"].unique().sort()
    codes = pl.DataFrame({"token": tokens, "code": np.arange(len(tokens), dtype=np.int64)})
    coded = pairs.join(codes, on="token", how="inner", maintain_order="left")
    counts = sparse.coo_matrix(
        (np.ones(len(coded), np.float32), (coded["row"].to_numpy(), coded["code"].to_numpy())),
        shape=(len(table), len(tokens)),
    ).tocsr()  # sums repeats
    return counts, tokens.to_list()


def _words(cells: pl.DataFrame) -> pl.DataFrame:
    column = pl.col("token")
    if isinstance(cells["token"].dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join(" ")
    words = column.cast(pl.String).str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]{2,}")
    return cells.with_columns(words.alias("token")).explode("token")


def _buckets(cells: pl.DataFrame, n_buckets: int) -> pl.DataFrame:
    column = cells["token"]
    values = (column.dt.epoch("ms") if column.dtype.is_temporal() else column).cast(pl.Float64).fill_nan(None)
    known = values.drop_nulls().to_numpy()
    if not len(known):
        return cells.clear()
    inner = np.unique(np.quantile(known, np.arange(1, n_buckets) / n_buckets))
    place = np.searchsorted(inner, values.fill_null(0.0).to_numpy(), side="right")
    labels = pl.Series("token", [f"{p:04d}" for p in place])  # padded: sorted as numbers are
    return cells.with_columns(pl.when(values.is_not_null()).then(labels).otherwise(None).alias("token"))
