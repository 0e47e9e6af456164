"""Weights of sparse matrices: TF-IDF, BM25, inverse frequencies, and the norms similarities divide by.

All cost O(entries).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def column_counts(matrix: sparse.csr_matrix) -> np.ndarray:
    """Returns the number of stored entries of each column, int64."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


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
    squares = matrix.astype(np.float64)
    squares.data = squares.data**2
    return np.sqrt(np.asarray(squares.sum(axis=1)).ravel())


def inverse_power(norms: np.ndarray, power: float) -> np.ndarray:
    """Returns norm^−power, and 0 for a norm of 0, float64."""
    safe = np.where(norms > 0, norms, 1.0)
    return np.where(norms > 0, safe**-power, 0.0)
