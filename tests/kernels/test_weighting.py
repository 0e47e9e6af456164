"""Weights of matrices, each against its formula written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recsmith.kernels import weighting

DENSE = np.array([[1, 0, 4], [0, 2, 3], [0, 0, 5], [0, 0, 0]], np.float32)
MATRIX = sparse.csr_matrix(DENSE)


def test_counts_and_norms():
    assert weighting.column_counts(MATRIX).tolist() == [1, 1, 3]
    assert weighting.row_counts(MATRIX).tolist() == [2, 2, 1, 0]
    assert weighting.row_norms(MATRIX) == pytest.approx(np.linalg.norm(DENSE, axis=1))
    assert weighting.inverse_power(np.array([4.0, 0.0]), 0.5).tolist() == [0.5, 0.0]


def test_frequencies():
    worth = weighting.inverse_log_frequency(np.array([0, 1, 9]))
    assert worth == pytest.approx([0, 1 / np.log(2), 1 / np.log(10)])
    assert weighting.inverse_document_frequency(np.array([4, 0]), 4) == pytest.approx([1.0, np.log(5) + 1])


def test_tfidf_is_damped_count_times_idf():
    idf = np.array([3, 2, 1], np.float32)
    assert weighting.tfidf(MATRIX, idf).toarray() == pytest.approx(np.sqrt(DENSE) * idf)


def test_bm25_is_the_formula():
    idf = np.array([3, 2, 1], np.float32)
    weighted = weighting.bm25(MATRIX, idf, k1=1.2, b=0.75, mean_length=3.75).toarray()
    length = DENSE.sum(axis=1)
    for r in range(4):
        for t in range(3):
            x = DENSE[r, t]
            expected = x * 2.2 / (x + 1.2 * (0.25 + 0.75 * length[r] / 3.75)) * idf[t]
            assert weighted[r, t] == pytest.approx(expected)


def test_bm25_of_zeros_is_zero():
    zeros = sparse.csr_matrix((np.zeros(1, np.float32), ([0], [0])), shape=(1, 1))
    ones = np.ones(1, np.float32)
    assert weighting.bm25(zeros, ones, k1=1.2, b=1.0, mean_length=0.0).data.tolist() == [0.0]
