"""How much an event of a history still counts: half for so many events since (after Ding and Li 2005)."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recsmith.data import Histories


def recency(histories: Histories, matrix_BI: sparse.csr_matrix, half_life: float | None) -> np.ndarray:
    """Returns 2^(−events since / half_life) for each entry of `matrix_BI`, float32; ones without half-life.

    `matrix_BI` is the histories' matrix with columns in order. An item taken twice counts as the last time.
    """
    if half_life is None:
        return np.ones(matrix_BI.nnz, np.float32)
    n_items = matrix_BI.shape[1]
    row_n = np.repeat(np.arange(len(histories)), histories.lengths)
    since_n = np.repeat(histories.indptr[1:], histories.lengths) - 1 - np.arange(len(row_n))
    row_e = np.repeat(np.arange(len(histories)), np.diff(matrix_BI.indptr))
    entry_n = np.searchsorted(row_e * n_items + matrix_BI.indices, row_n * n_items + histories.item)
    left_e = np.zeros(matrix_BI.nnz)
    np.maximum.at(left_e, entry_n, 0.5 ** (since_n / half_life))
    return left_e.astype(np.float32)
