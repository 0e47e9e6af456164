"""Mean-centring of a sparse matrix that can be undone exactly, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Centring:
    """Takes μ + (r_u n_u + c_i n_i) / (n_u + n_i) off the stored entry of user u and item i.

    r_u and c_i are the row's and the column's mean less the mean μ of all entries; n_u and n_i count their
    entries, so the mean that rests on more entries weighs more. `shift` is the same for every cell, so what
    was taken off can be put back exactly (python-recsys puts back μ + r_u + c_i, which is something else).
    """

    mean: float
    mean_I: np.ndarray
    count_I: np.ndarray

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> Centring:
        """Learns the means of a matrix."""
        mean = float(matrix.data.mean(dtype=np.float64)) if len(matrix.data) else 0.0
        count_I = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32)
        sum_I = np.bincount(matrix.indices, matrix.data.astype(np.float64), minlength=matrix.shape[1])
        return cls(mean, ((sum_I - mean * count_I) / np.maximum(count_I, 1)).astype(np.float32), count_I)

    def of_rows(self, matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Returns r [B] and n [B] of rows."""
        count_B = np.diff(matrix.indptr).astype(np.float32)
        row_n = np.repeat(np.arange(len(count_B)), np.diff(matrix.indptr))
        sum_B = np.bincount(row_n, matrix.data.astype(np.float64), minlength=len(count_B))
        return ((sum_B - self.mean * count_B) / np.maximum(count_B, 1)).astype(np.float32), count_B

    def centred(self, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        """Returns the matrix with each stored entry reduced; cells without an entry stay empty."""
        mean_B, count_B = self.of_rows(matrix)
        row_n = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        shift_n = self.shift(mean_B[row_n], count_B[row_n], matrix.indices)
        return sparse.csr_matrix(
            ((matrix.data - shift_n).astype(matrix.dtype), matrix.indices, matrix.indptr), shape=matrix.shape
        )

    def shift(self, mean_B: np.ndarray, count_B: np.ndarray, items: Any) -> np.ndarray:
        """Returns what is taken off at the cells of rows and items (an index); μ where both are empty."""
        count_I = self.count_I[items]
        total = np.maximum(count_B + count_I, 1)
        return np.float32(self.mean) + (mean_B * count_B + self.mean_I[items] * count_I) / total
