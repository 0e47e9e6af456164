"""Rank correlation over ragged rows: average ranks, and Kendall's tau-b (Kendall, Biometrika 1945)."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def average_ranks(indptr, value):
    """Ranks each row's values from 1, equal ones sharing their mean rank; float64, O(n·log n) a row."""
    rank = np.empty(len(value), dtype=np.float64)
    for b in range(len(indptr) - 1):
        first, last = indptr[b], indptr[b + 1]
        order = np.argsort(value[first:last])
        start = 0
        while start < last - first:
            end = start + 1
            while end < last - first and value[first + order[end]] == value[first + order[start]]:
                end += 1
            for at in range(start, end):
                rank[first + order[at]] = 0.5 * (start + end + 1)
            start = end
    return rank


@njit(nogil=True, cache=True)
def tau_b(indptr, x, y):
    """Gives tau-b of each row's pairs, float64 [B]; NaN where x or y does not vary. O(n²) a row."""
    tau_B = np.full(len(indptr) - 1, np.nan)
    for b in range(len(indptr) - 1):
        balance, pairs_x, pairs_y = 0, 0, 0
        for i in range(indptr[b], indptr[b + 1]):
            for j in range(indptr[b], i):
                sign_x = (x[i] > x[j]) - (x[i] < x[j])
                sign_y = (y[i] > y[j]) - (y[i] < y[j])
                balance += sign_x * sign_y
                pairs_x += sign_x * sign_x
                pairs_y += sign_y * sign_y
        if pairs_x > 0 and pairs_y > 0:
            tau_B[b] = balance / np.sqrt(float(pairs_x) * float(pairs_y))
    return tau_B
