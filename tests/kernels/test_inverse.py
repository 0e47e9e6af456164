"""The blocked inverse against LAPACK, threads that change no bit, and what is not positive definite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
