"""Top-K of each row of a score block, best first, ties to the lower item code."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsmith.kernels.heap import rise, sink, sort_best_first


@njit(nogil=True, cache=True)
def exclude(score_BI, indptr, item):
    """Sets to -inf, in place, the scores of the items listed for each row. O(events)."""
    for row in range(score_BI.shape[0]):
        for event in range(indptr[row], indptr[row + 1]):
            score_BI[row, item[event]] = -np.inf


@njit(nogil=True, cache=True)
def top_k(score_BI, k):
    """Returns the codes int32 [B, K] and scores float32 [B, K] of each row's k best items.

    Equal scores go by item code, the lower first, so that every engine gives the same list. -inf and NaN
    never enter; a short row ends in code -1 and score -inf. One pass with a heap of k whose root is the
    worst kept: O(I + (entries that enter) · log k) a row, k extra numbers of memory.
    """
    n_rows, n_items = score_BI.shape
    code_BK = np.full((n_rows, k), -1, np.int32)
    best_BK = np.full((n_rows, k), -np.inf, np.float32)
    for row in range(n_rows):
        codes, scores = code_BK[row], best_BK[row]
        size = np.int64(0)  # a bare 0 would compile the heap twice
        for item in range(n_items):
            score = score_BI[row, item]
            if not score > -np.inf:
                continue
            if size < k:
                rise(codes, scores, size, np.int32(item), score)
                size += 1
            elif score > scores[0]:  # an equal score has a higher code here, so it stays out
                sink(codes, scores, size, np.int32(item), score)
        sort_best_first(codes, scores, size)
    return code_BK, best_BK


def top_k_plain(score_BI: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Is the readable twin of `top_k`: a full sort of each row."""
    code_BK = np.full((len(score_BI), k), -1, np.int32)
    best_BK = np.full((len(score_BI), k), -np.inf, np.float32)
    for row, scores in enumerate(score_BI):
        able = [code for code, score in enumerate(scores) if score > -np.inf]
        for place, code in enumerate(sorted(able, key=lambda code: (-scores[code], code))[:k]):
            code_BK[row, place], best_BK[row, place] = code, scores[code]
    return code_BK, best_BK
