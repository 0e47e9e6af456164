"""Descent on a factorization machine: the slow twin, and steps that are lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsmith.kernels.fm_descent import descend, descend_plain


def problem(seed, n_dims=3, n_events=30):
    rng = np.random.default_rng(seed)
    rows = sparse.csr_matrix(
        sparse.block_diag(
            [sparse.random(5, 4, 0.5, random_state=rng), sparse.random(6, 3, 0.6, random_state=rng)],
            dtype=np.float32,
        )
    )
    index_BN = np.stack([rng.integers(0, 5, n_events), rng.integers(5, 11, n_events)]).astype(np.int32)
    parameter_PK = rng.normal(0, 0.3, (7, n_dims + 1)).astype(np.float32)
    return rows, index_BN, parameter_PK, rng


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n_dims=st.integers(0, 5), logistic=st.booleans())
def test_fast_and_plain_agree(seed, n_dims, logistic):
    rows, index_BN, parameter_PK, rng = problem(seed, n_dims)
    target_N = (
        rng.integers(0, 2, 30).astype(np.float32) if logistic else rng.normal(0, 1, 30).astype(np.float32)
    )
    order_n = rng.permutation(30)
    x_NP = rows.toarray().astype(float)[index_BN].sum(axis=0)
    loss, constant, plain_PK = descend_plain(order_n, x_NP, target_N, logistic, 0.05, 0.1, 0.2, parameter_PK)
    constant_1 = np.array([0.2])
    got, done = descend(
        order_n, index_BN, rows.indptr.astype(np.int64), rows.indices, rows.data, target_N, logistic, 0.05,
        0.1, 1e3, constant_1, parameter_PK,
    )  # fmt: skip
    assert done == 30
    assert got == pytest.approx(loss, rel=1e-3)
    assert constant_1[0] == pytest.approx(constant, abs=1e-4)
    np.testing.assert_allclose(parameter_PK, plain_PK, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, 1e6])
def test_it_stops_at_the_step_that_is_lost(bad):
    rows, index_BN, parameter_PK, _ = problem(1)
    has_NP = rows.toarray()[index_BN].any(axis=0)
    column = has_NP.sum(axis=0).argmax()
    has, has_not = np.flatnonzero(has_NP[:, column]), np.flatnonzero(~has_NP[:, column])
    parameter_PK[column, 0] = bad
    order_n = np.concatenate([has_not[:4], has[:1], has_not[4:]])
    before_PK = parameter_PK.copy()
    _, done = descend(
        order_n, index_BN, rows.indptr.astype(np.int64), rows.indices, rows.data, np.zeros(30, np.float32),
        False, 0.0, 0.0, 1e3, np.zeros(1), parameter_PK,
    )  # fmt: skip
    assert len(has) and len(has_not) >= 4 and done == 4
    np.testing.assert_array_equal(parameter_PK, before_PK)
