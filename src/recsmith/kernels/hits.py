"""Marks which listed items are relevant, and which items of a ragged table the same row of another has."""

from __future__ import annotations

from itertools import pairwise

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


@njit(nogil=True, cache=True)
def in_row(indptr, item, other_indptr, other_item, n_items):
    """Says of each item of a ragged table whether the same row of the other table has it, bool[n].

    Rows in any order. One pass over both with a flag an item: O(n + others), n_items bytes of memory.
    """
    found = np.zeros(len(item), dtype=np.bool_)
    flag_I = np.zeros(n_items, dtype=np.bool_)
    for b in range(len(indptr) - 1):
        if indptr[b] == indptr[b + 1]:
            continue
        for at in range(other_indptr[b], other_indptr[b + 1]):
            flag_I[other_item[at]] = True
        for at in range(indptr[b], indptr[b + 1]):
            found[at] = flag_I[item[at]]
        for at in range(other_indptr[b], other_indptr[b + 1]):
            flag_I[other_item[at]] = False
    return found


def in_row_plain(indptr, item, other_indptr, other_item, n_items):
    """Is the readable twin of `in_row`: a set a row."""
    rows = [set(other_item[a:b].tolist()) for a, b in pairwise(other_indptr)]
    return np.array(
        [int(one) in row for row, (a, b) in zip(rows, pairwise(indptr)) for one in item[a:b]], np.bool_
    )
