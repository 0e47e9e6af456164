"""How much an event of a history still counts: half for so many events since (after Ding and Li 2005)."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Config
from recsmith.data import Histories


class FadingConfig(Config):
    """The setting of models that may let recent events of a history count more."""

    history_half_life: float | None = Field(default=None, gt=0)
    """For scores: an item taken so many events before a history's last one counts half, twice as many a
    quarter; all count the same when not given. A list that is given as a history is oldest first. Nothing
    that is learnt from the log hangs on it."""


def recency(histories: Histories, matrix_BI: sparse.csr_matrix, half_life: float | None) -> np.ndarray:
    """Returns 2^(−events since / half_life) for each entry of `matrix_BI`, float32; ones without half-life.

    `matrix_BI` is the histories' matrix with columns in order, or some entries of it. An item taken twice
    counts as the last time.
    """
    if half_life is None:
        return np.ones(matrix_BI.nnz, np.float32)
    n_items = matrix_BI.shape[1]
    row_n = np.repeat(np.arange(len(histories)), histories.lengths)
    since_n = np.repeat(histories.indptr[1:], histories.lengths) - 1 - np.arange(len(row_n))
    row_e = np.repeat(np.arange(len(histories)), np.diff(matrix_BI.indptr))
    key_e, key_n = row_e * n_items + matrix_BI.indices, row_n * n_items + histories.item
    entry_n = np.searchsorted(key_e, key_n)
    there_n = np.append(key_e, -1)[entry_n] == key_n
    left_e = np.zeros(matrix_BI.nnz)
    np.maximum.at(left_e, entry_n[there_n], 0.5 ** (since_n[there_n] / half_life))
    return left_e.astype(np.float32)


def faded(histories: Histories, matrix_BI: sparse.csr_matrix, half_life: float | None) -> sparse.csr_matrix:
    """Returns `matrix_BI` with each entry times its `recency`, changed in place."""
    if half_life is not None:
        matrix_BI.data *= recency(histories, matrix_BI, half_life)
    return matrix_BI
