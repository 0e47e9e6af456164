"""Sparse times dense: SciPy's product, rows of a part, and sums of many entries as exact as of few."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsmith.kernels.sparse_product import sparse_product


def product(matrix: sparse.csr_matrix, dense_CK: np.ndarray, start: int, stop: int) -> np.ndarray:
    out_RK = np.full((matrix.shape[0], dense_CK.shape[1]), 7, np.float32)
    rows = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)
    sparse_product(start, stop, *rows, dense_CK, out_RK)
    return out_RK


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    n_columns=st.integers(1, 700),
    n_dims=st.integers(1, 40),
    density=st.sampled_from([0, 0.1, 1]),
)
def test_it_is_scipys(seed, n_columns, n_dims, density):
    rng = np.random.default_rng(seed)
    matrix = sparse.random_array((9, n_columns), density=density, format="csr", rng=rng)
    dense_CK = rng.standard_normal((n_columns, n_dims)).astype(np.float32)
    out_RK = product(matrix, dense_CK, 2, 8)
    np.testing.assert_allclose(out_RK[2:8], (matrix @ dense_CK)[2:8], rtol=1e-5, atol=1e-4)
    assert (out_RK[[0, 1, 8]] == 7).all()


def test_a_row_of_a_million_entries_is_exact():
    rng = np.random.default_rng(1)
    value = rng.random(1_000_000).astype(np.float32)
    matrix = sparse.csr_matrix((value, np.arange(len(value)), [0, len(value)]))
    out_RK = product(matrix, np.ones((len(value), 3), np.float32), 0, 1)
    np.testing.assert_allclose(out_RK, value.sum(dtype=np.float64), rtol=2e-7)
