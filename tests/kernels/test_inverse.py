"""The blocked inverse against LAPACK, threads that change no bit, and what is not positive definite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.gram import gram_rows
from recsmith.kernels.inverse import invert_spd


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), n=st.integers(1, 40), block=st.integers(1, 16))
def test_it_is_the_inverse(seed, n, block):
    half = np.random.default_rng(seed).normal(size=(n, n + 3))
    matrix = half @ half.T + np.eye(n)
    found = np.tril(matrix)
    invert_spd(found, block=block)
    np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(dtype):
    half = np.random.default_rng(1).normal(size=(70, 90))
    outcomes = []
    for n_threads in (1, 2, 5):
        found = (half @ half.T).astype(dtype)
        invert_spd(found, n_threads=n_threads, block=16)
        outcomes.append(found)
    assert (outcomes[0] == outcomes[1]).all() and (outcomes[0] == outcomes[2]).all()
    assert outcomes[0].dtype == dtype and (outcomes[0] == outcomes[0].T).all()


def test_the_upper_half_may_hold_anything():
    half = np.random.default_rng(1).normal(size=(20, 30))
    matrix = half @ half.T
    found = np.where(np.tri(20, dtype=bool), matrix, np.nan)
    invert_spd(found, block=6)
    np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=1e-7)


def test_not_positive_definite_is_said():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        invert_spd(np.diag([1.0, -1.0, 2.0]), block=2)


def test_gram_rows_write_the_lower_half_of_the_product():
    dense = np.random.default_rng(2).integers(0, 3, (9, 6)).astype(np.float32)

    def rows(matrix):
        row, column = np.nonzero(matrix)
        indptr = np.concatenate([[0], np.cumsum((matrix != 0).sum(1))]).astype(np.int64)
        return indptr, column.astype(np.int32), matrix[row, column]

    out = np.full((6, 6), 5, np.float32)
    gram_rows(0, 4, *rows(dense.T), *rows(dense), out)
    gram_rows(4, 6, *rows(dense.T), *rows(dense), out)
    np.testing.assert_array_equal(np.tril(out), np.tril(dense.T @ dense))
    assert (out[np.triu_indices(6, 1)] == 5).all()
