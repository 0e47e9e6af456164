"""Non-negative elastic nets of the columns of a Gram matrix by coordinate descent. Friedman, Hastie,
Tibshirani, Regularization paths for generalized linear models by coordinate descent, J. Stat. Softw. 2010."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def slim_columns(start, stop, gram_II, l1, l2, tolerance, max_passes, out_CI):
    """Fills out_CI[c] with the weights w that foretell item start + c from the others; returns most passes.

    Minimises ½ |x_j − X w|² + l2/2 |w|² + l1 |w|₁ with w ≥ 0, w_j = 0, where G = XᵀX float32, all entries 0
    or more. Since w and G have no negative entry, what pulls w_k up never exceeds G_jk − l1: items with
    G_jk ≤ l1 are left out for good. Passes go over the items with w > 0 until no weight moves by more than
    `tolerance`, then over all that are left; when that moves none either, it is done. O(I) for each weight
    that moves.
    """
    n_items = len(gram_II)
    may_I = np.empty(n_items, np.int32)
    most = 0
    for j in range(start, stop):
        weight_I = out_CI[j - start]
        weight_I[:] = 0.0
        n_may = 0
        for k in range(n_items):
            if k != j and gram_II[j, k] > l1:
                may_I[n_may] = k
                n_may += 1
        left_I = gram_II[j].copy()  # G_j − G w
        whole = True
        for one_pass in range(max_passes):
            most = max(most, one_pass + 1)
            largest = np.float32(0.0)
            for place in range(n_may):
                k = may_I[place]
                before = weight_I[k]
                if before == 0.0 and (not whole or left_I[k] <= l1):
                    continue
                own = gram_II[k, k]
                after = max(np.float32(0.0), (left_I[k] + own * before - l1) / (own + l2))
                moved = after - before
                if moved == 0.0:
                    continue
                weight_I[k] = after
                largest = max(largest, abs(moved))
                row_I = gram_II[k]
                for i in range(n_items):
                    left_I[i] -= moved * row_I[i]
            if largest <= tolerance:
                if whole:
                    break
                whole = True
            else:
                whole = False
    return most


def slim_column_plain(
    gram_II: np.ndarray, j: int, l1: float, l2: float, *, n_passes: int = 10_000
) -> np.ndarray:
    """Is the readable twin for one column: plain cyclic descent in float64, every item in every pass."""
    gram_II = gram_II.astype(np.float64)
    weight_I = np.zeros(len(gram_II))
    for _ in range(n_passes):
        before_I = weight_I.copy()
        for k in range(len(gram_II)):
            if k != j and gram_II[k, k] > 0:
                others = gram_II[k] @ weight_I - gram_II[k, k] * weight_I[k]
                weight_I[k] = max(0.0, gram_II[j, k] - others - l1) / (gram_II[k, k] + l2)
        if np.abs(weight_I - before_I).max() < 1e-12:
            break
    return weight_I
