"""Weights of sparse matrices: TF-IDF, BM25, inverse frequencies, and the norms similarities divide by.

All cost O(entries).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse


def column_counts(matrix: sparse.csr_matrix) -> np.ndarray:
    """Returns the number of stored entries of each column, int64."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


@njit(nogil=True, cache=True)
def column_sums(column, value, n_columns):
    """Returns Σ value and the number of entries of each column, float64 and int64. O(entries)."""
    sum_C = np.zeros(n_columns)
    count_C = np.zeros(n_columns, np.int64)
    for entry in range(len(column)):
        sum_C[column[entry]] += value[entry]
        count_C[column[entry]] += 1
    return sum_C, count_C


def row_counts(matrix: sparse.csr_matrix) -> np.ndarray:
    """Returns the number of stored entries of each row, int64."""
    return np.diff(matrix.indptr).astype(np.int64)


def inverse_log_frequency(counts: np.ndarray) -> np.ndarray:
    """Returns 1 / log(1 + n), and 0 for n = 0: what sharing a column is worth (Breese et al. 1998)."""
    with np.errstate(divide="ignore"):
        return np.where(counts > 0, 1.0 / np.log1p(counts), 0.0).astype(np.float32)


def inverse_document_frequency(counts: np.ndarray, n_documents: int) -> np.ndarray:
    """Returns log((1 + N) / (1 + n)) + 1, smoothed so that it is positive for a column that every row has."""
    return (np.log((1.0 + n_documents) / (1.0 + counts)) + 1.0).astype(np.float32)


def tfidf(matrix: sparse.csr_matrix, idf_T: np.ndarray) -> sparse.csr_matrix:
    """Returns sqrt(|x|) sign(x) · idf of the entry's column (Salton and Buckley 1988, damped counts)."""
    weighted = matrix.astype(np.float32, copy=True)
    weighted.data = np.sign(matrix.data) * np.sqrt(np.abs(matrix.data)) * idf_T[matrix.indices]
    return weighted.astype(np.float32)


def bm25(
    matrix: sparse.csr_matrix, idf_T: np.ndarray, *, k1: float, b: float, mean_length: float
) -> sparse.csr_matrix:
    """Returns x (k1 + 1) / (x + k1 (1 − b + b · row sum / mean row sum)) · idf (Robertson et al. 1995).

    Rows are documents, columns terms; entries must be ≥ 0.
    """
    lengths = np.asarray(matrix.sum(axis=1), np.float64).ravel()
    share = lengths / mean_length if mean_length > 0 else np.ones(len(lengths))
    norm = np.repeat(k1 * (1.0 - b + b * share), np.diff(matrix.indptr))
    below = matrix.data + norm
    weighted = matrix.astype(np.float32, copy=True)
    share_of_most = np.where(below > 0, matrix.data / np.where(below > 0, below, 1.0), 0.0)
    weighted.data = ((k1 + 1.0) * share_of_most * idf_T[matrix.indices]).astype(np.float32)
    return weighted


def row_norms(matrix: sparse.csr_matrix) -> np.ndarray:
    """Returns the Euclidean length of each row, float64."""
    return np.sqrt(_row_squares(matrix.indptr, matrix.data))


@njit(nogil=True, cache=True)
def _row_squares(indptr, data):
    """Returns Σ x² of each row, in double. O(entries)."""
    square_R = np.zeros(len(indptr) - 1)
    for r in range(len(square_R)):
        for entry in range(indptr[r], indptr[r + 1]):
            square_R[r] += np.float64(data[entry]) ** 2
    return square_R


@njit(nogil=True, cache=True)
def distinct_counts(indptr, item, n_items):
    """Returns how many rows have each item, int64[I]; an item twice in a row counts once. O(entries)."""
    count_I = np.zeros(n_items, np.int64)
    last_I = np.full(n_items, -1, np.int64)
    for row in range(len(indptr) - 1):
        for entry in range(indptr[row], indptr[row + 1]):
            i = item[entry]
            if last_I[i] != row:
                last_I[i] = row
                count_I[i] += 1
    return count_I


def inverse_power(norms: np.ndarray, power: float) -> np.ndarray:
    """Returns norm^−power, and 0 for a norm of 0, float64."""
    safe = np.where(norms > 0, norms, 1.0)
    return np.where(norms > 0, safe**-power, 0.0)
