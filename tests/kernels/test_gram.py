"""The Gram matrix of sparse rows against the dense product: any block of rows, ones and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.gram import gram_rows


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), split=st.integers(0, 6), binary=st.booleans())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_writes_the_lower_half_of_the_product(dtype, seed, split, binary):
    dense = np.random.default_rng(seed).integers(0, 2 if binary else 4, (9, 6)).astype(np.float32)

    def rows(matrix):
        row, column = np.nonzero(matrix)
        indptr = np.concatenate([[0], np.cumsum((matrix != 0).sum(1))]).astype(np.int64)
        return indptr, column.astype(np.int32), matrix[row, column]

    out = np.full((6, 6), 5, dtype)
    gram_rows(split, 6, *rows(dense.T), *rows(dense), out)
    gram_rows(0, split, *rows(dense.T), *rows(dense), out)
    np.testing.assert_array_equal(np.tril(out), np.tril(dense.T @ dense))
    assert (out[np.triu_indices(6, 1)] == 5).all()
