"""Scores against a sparse matrix: the slow twin, the dense product, threads."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recsmith.kernels.sparse_scores import sparse_scores, sparse_scores_plain


def random(seed: int, shape: tuple[int, int], density: float) -> sparse.csr_matrix:
    return sparse.random(*shape, density, format="csr", dtype=np.float32, random_state=seed)


def test_fast_and_plain_and_dense_agree():
    history, matrix = random(0, (200, 30), 0.2), random(1, (30, 50), 0.1)
    score_BI = sparse_scores(history, matrix)
    np.testing.assert_allclose(score_BI, sparse_scores_plain(history, matrix), rtol=1e-5)
    np.testing.assert_array_equal(score_BI, sparse_scores(history, matrix, n_threads=3))
    np.testing.assert_array_equal(score_BI[[7]], sparse_scores(history[[7]], matrix))
    dense = history.toarray() @ matrix.toarray()
    np.testing.assert_allclose(np.where(score_BI == -np.inf, 0, score_BI), dense, rtol=1e-5, atol=1e-6)


def test_no_term_is_no_evidence_and_a_stored_zero_is_one():
    history = sparse.csr_matrix((np.zeros(1, np.float32), ([0], [0])), shape=(2, 2))
    matrix = sparse.csr_matrix(np.array([[0, 3, 0], [4, 0, 0]], np.float32))
    score_BI = sparse_scores(history, matrix)
    assert score_BI[0].tolist() == [-np.inf, 0.0, -np.inf]
    assert (score_BI[1] == -np.inf).all()
