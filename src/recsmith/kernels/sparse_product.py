"""The product of a sparse matrix and a few dense columns at once: an entry is read once for all of them."""

from __future__ import annotations

import numpy as np
from numba import njit

_RUN = 256  # entries that are summed in float32; the sums of runs are summed in float64


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def sparse_product(start, stop, indptr, column, value, dense_CK, out_RK):
    """Writes rows start to stop of X V, in place; X is CSR, V has K numbers for each of X's columns.

    Floats are float32. O(entries·K), four entries at a time, or the sums would wait for each other. A row of
    a million entries is as exact as one of a few hundred.
    """
    n_dims = dense_CK.shape[1]
    run_K = np.empty(n_dims, np.float32)
    total_K = np.empty(n_dims, np.float64)
    for row in range(start, stop):
        total_K[:] = 0
        first, end = indptr[row], indptr[row + 1]
        while first < end:
            last = min(first + _RUN, end)
            run_K[:] = 0
            entry = first
            while entry + 4 <= last:
                a, b, c, d = value[entry], value[entry + 1], value[entry + 2], value[entry + 3]
                a_K, b_K = dense_CK[np.uint32(column[entry])], dense_CK[np.uint32(column[entry + 1])]
                c_K, d_K = dense_CK[np.uint32(column[entry + 2])], dense_CK[np.uint32(column[entry + 3])]
                for k in range(n_dims):
                    run_K[k] += (a * a_K[k] + b * b_K[k]) + (c * c_K[k] + d * d_K[k])
                entry += 4
            while entry < last:
                a, a_K = value[entry], dense_CK[np.uint32(column[entry])]
                for k in range(n_dims):
                    run_K[k] += a * a_K[k]
                entry += 1
            for k in range(n_dims):
                total_K[k] += run_K[k]
            first = last
        for k in range(n_dims):
            out_RK[row, k] = total_K[k]
