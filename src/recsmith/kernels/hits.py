"""Marks which listed items are relevant: a binary search of each item in its user's sorted relevant items."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def hits(item_BK, indptr, indices):
    """Says of each listed item whether it is relevant, bool [B, K]; codes below 0 (no item) never are.

    `indices[indptr[b]:indptr[b + 1]]` are user b's relevant item codes in rising order. O(B·K·log R).
    """
    n_rows, width = item_BK.shape
    hit_BK = np.zeros((n_rows, width), dtype=np.bool_)
    for b in range(n_rows):
        first, last = indptr[b], indptr[b + 1]
        if first == last:
            continue
        for j in range(width):
            item = item_BK[b, j]
            if item < 0:
                continue
            low, high = first, last
            while low < high:
                middle = (low + high) // 2
                if indices[middle] < item:
                    low = middle + 1
                else:
                    high = middle
            hit_BK[b, j] = low < last and indices[low] == item
    return hit_BK


def hits_plain(item_BK: np.ndarray, indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Is the readable twin of `hits`: a set a row."""
    rows = [set(indices[indptr[b] : indptr[b + 1]].tolist()) for b in range(len(item_BK))]
    marks = [[int(item) in row for item in items] for row, items in zip(rows, item_BK)]
    return np.array(marks, dtype=np.bool_).reshape(item_BK.shape)
