"""The Gram matrix of a sparse interaction matrix, into dense memory that the caller owns."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def gram_rows(start, stop, indptr_I, user, value_I, indptr_U, item, value_U, out_II):
    """Writes rows start to stop of the lower half of XᵀX, in place.

    X comes twice: by item (`indptr_I`, `user`, `value_I`) and by user with sorted items (`indptr_U`,
    `item`, `value_U`), no pair twice. Only entries j <= i of row i are touched. O(Σ_u |events of u|² / 2) for
    all rows, and O(events) with 9 bytes a user for each block of them.
    """
    n_users = len(indptr_U) - 1
    # Items come in rising order: item i of a user lies one place beyond their item before it.
    next_U = np.empty(n_users, np.int64)
    is_even_U = np.empty(n_users, np.bool_)
    for u in range(n_users):
        low, high = indptr_U[u], indptr_U[u + 1]
        next_U[u] = low + np.searchsorted(item[low:high], start)
        is_even_U[u] = _is_even(value_U[low:high])
    for i in range(start, stop):
        row_I = out_II[i]
        row_I[: i + 1] = 0.0
        for place in range(indptr_I[i], indptr_I[i + 1]):
            u = user[place]
            low, high = indptr_U[u], next_U[u] + 1
            next_U[u] = high
            if is_even_U[u]:
                added = value_I[place] * value_U[low]
                for event in range(low, high):
                    row_I[np.uint32(item[event])] += added  # unsigned: no test for a negative index
            else:
                value = value_I[place]
                for event in range(low, high):
                    row_I[np.uint32(item[event])] += value * value_U[event]


@njit(nogil=True, cache=True)
def _is_even(value):
    """Says whether all values are the same, as ones are."""
    differs = 0
    for n in range(1, len(value)):
        differs += value[n] != value[0]
    return differs == 0
