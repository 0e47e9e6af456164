"""The Gram matrix of a sparse interaction matrix, into dense memory that the caller owns."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def gram_rows(start, stop, indptr_I, user, value_I, indptr_U, item, value_U, out_II):
    """Writes rows start to stop of the lower half of XᵀX, in place.

    X comes twice: by item (`indptr_I`, `user`, `value_I`) and by user with sorted items (`indptr_U`,
    `item`, `value_U`). Only entries j <= i of row i are touched. O(Σ_u |events of u|² / 2) for all rows.
    """
    for i in range(start, stop):
        row_I = out_II[i]
        row_I[: i + 1] = 0.0
        for place in range(indptr_I[i], indptr_I[i + 1]):
            u = user[place]
            value = value_I[place]
            for event in range(indptr_U[u], indptr_U[u + 1]):
                j = item[event]
                if j > i:
                    break
                row_I[j] += value * value_U[event]
