"""Means that are taken off ratings before neighbours are averaged, and put back exactly after.

Herlocker et al. 1999; damped as in Koren, Factorization meets the neighborhood, 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from recsmith.kernels.weighting import column_sums


@dataclass(frozen=True, eq=False)
class Biases:
    """Says what rating to expect before looking at neighbours: μ + b_i + b_u."""

    mean: float
    item_I: np.ndarray
    """float32 [I]."""
    centring: Literal["both", "item", "user", "none"]
    damping: float

    @classmethod
    def of(
        cls,
        matrix_UI: sparse.csr_matrix,
        *,
        centring: Literal["both", "item", "user", "none"],
        damping: float,
    ) -> Biases:
        """Returns μ, and b_i = Σ (r − μ) / (n + damping) where items are centred."""
        mean = float(matrix_UI.data.mean(dtype=np.float64)) if matrix_UI.nnz else 0.0
        item_I = np.zeros(matrix_UI.shape[1], np.float32)
        if centring in ("both", "item"):
            sum_I, n_I = column_sums(matrix_UI.indices, matrix_UI.data, len(item_I))
            item_I = ((sum_I - mean * n_I) / np.maximum(n_I + damping, 1e-12)).astype(np.float32)
        return cls(mean, item_I, centring, damping)

    def of_people(self, matrix_BI: sparse.csr_matrix) -> np.ndarray:
        """Returns b_u = Σ (r − μ − b_i) / (n + damping) of each row, float64; 0 unless users are centred."""
        n_B = np.diff(matrix_BI.indptr)
        if self.centring not in ("both", "user"):
            return np.zeros(len(n_B))
        row_n = np.repeat(np.arange(len(n_B)), n_B)
        above_n = matrix_BI.data - self.mean - self.item_I[matrix_BI.indices].astype(np.float64)
        return np.bincount(row_n, above_n, minlength=len(n_B)) / np.maximum(n_B + self.damping, 1e-12)

    def residuals(self, matrix_BI: sparse.csr_matrix, people_B: np.ndarray) -> sparse.csr_matrix:
        """Returns r less what is centred away, at the same entries, float32."""
        residual = matrix_BI.astype(np.float64, copy=True)
        if self.centring != "none":
            residual.data -= self.mean + self.item_I[matrix_BI.indices]
            residual.data -= np.repeat(people_B, np.diff(matrix_BI.indptr))
        return residual.astype(np.float32)

    def rating(self, people_n: np.ndarray, item_n: np.ndarray, residual_n: np.ndarray) -> np.ndarray:
        """Returns float32: the residuals with the means put back; the means alone where one is NaN."""
        expected_n = self.mean + self.item_I[item_n] + people_n
        known_n = residual_n if self.centring == "none" else expected_n + residual_n
        return np.where(np.isnan(residual_n), expected_n, known_n).astype(np.float32)
