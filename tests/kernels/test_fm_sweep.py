"""A sweep over the columns of a factorization machine: the slow twin, what a coordinate's best value is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsmith.kernels.fm_sweep import sweep, sweep_plain


def blocks(rng, widths, heights):
    """Draws blocks of sparse rows; returns them on the diagonal of one matrix, and where columns begin."""
    parts = [
        sparse.random(height, width, density=0.5, random_state=rng, format="csr", dtype=np.float32)
        for height, width in zip(heights, widths, strict=True)
    ]
    return sparse.csc_matrix(sparse.block_diag(parts, dtype=np.float32)), np.cumsum([0, *widths])


def fitted(x_NP, parameter_KP):
    q_DN = parameter_KP[1:] @ x_NP.T
    return x_NP @ parameter_KP[0] + 0.5 * (q_DN**2 - (parameter_KP[1:] ** 2) @ (x_NP**2).T).sum(axis=0)


def problem(seed, *, n_blocks, n_dims, n_events=40, noisy=True):
    rng = np.random.default_rng(seed)
    widths, heights = rng.integers(1, 5, n_blocks), rng.integers(1, 7, n_blocks)
    columns, block_column = blocks(rng, widths, heights)
    index_BN = np.stack([rng.integers(0, height, n_events) for height in heights])
    index_BN = (index_BN + np.cumsum([0, *heights[:-1]])[:, None]).astype(np.int32)
    dense_RP = columns.toarray().astype(float)
    x_NP = dense_RP[index_BN].sum(axis=0)
    shape = (n_dims + 1, columns.shape[1])
    parameter_KP = rng.normal(0, 0.5, shape).astype(np.float32)
    group_P = rng.integers(0, 3, shape[1]).astype(np.int32)
    mean_KG, precision_KG = rng.normal(0, 0.3, (shape[0], 3)), rng.gamma(2, 1, (shape[0], 3))
    noise_KP = rng.normal(0, noisy, shape).astype(np.float32)
    y_N = rng.normal(0, 2, n_events)
    error_N = (y_N - fitted(x_NP, parameter_KP.astype(float))).astype(np.float32)
    count_R = np.bincount(index_BN.ravel(), minlength=len(dense_RP)).astype(float)
    fast = (
        index_BN, block_column, columns.indptr.astype(np.int64), columns.indices, columns.data, count_R,
        group_P, mean_KG, precision_KG, 1.7, noise_KP, error_N, parameter_KP,
    )  # fmt: skip
    plain = (x_NP, mean_KG[:, group_P], precision_KG[:, group_P], 1.7, noise_KP, error_N, parameter_KP)
    return fast, plain, y_N


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), n_blocks=st.integers(1, 4), n_dims=st.integers(0, 5))
def test_fast_and_plain_agree(seed, n_blocks, n_dims):
    fast, plain, _ = problem(seed, n_blocks=n_blocks, n_dims=n_dims)
    error_N, parameter_KP = sweep_plain(*plain)
    sweep(*fast)
    np.testing.assert_allclose(fast[-1], parameter_KP, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(fast[-2], error_N, rtol=2e-3, atol=1e-3)


def test_errors_stay_those_of_the_parameters():
    fast, plain, y_N = problem(5, n_blocks=3, n_dims=4)
    for _ in range(30):
        sweep(*fast)
    np.testing.assert_allclose(fast[-2], y_N - fitted(plain[0], fast[-1].astype(float)), atol=2e-3)


def test_sweeps_without_noise_go_down_to_where_no_coordinate_can_do_better():
    """The objective ½ α Σ e² + ½ Σ λ (θ − μ)² falls at each sweep, and its slope ends at 0."""
    fast, (x_NP, mean_KP, precision_KP, *_), y_N = problem(8, n_blocks=2, n_dims=2, noisy=False)

    def objective(parameter_KP):
        e_N = y_N - fitted(x_NP, parameter_KP)
        return 0.5 * (1.7 * e_N @ e_N + np.sum(precision_KP * (parameter_KP - mean_KP) ** 2))

    told_P = (x_NP**2).sum(axis=0) > 0
    seen = []
    for _ in range(300):
        sweep(*fast)
        seen.append(objective(fast[-1].astype(float)))
    assert all(after <= before + 1e-3 for before, after in pairwise(seen))
    at = fast[-1].astype(float)
    for k in range(len(at)):
        for p in np.flatnonzero(told_P):
            step = np.zeros_like(at)
            step[k, p] = 1e-3
            assert (objective(at + step) - objective(at - step)) / 2e-3 == pytest.approx(0, abs=0.02)


def test_a_column_that_no_event_has_takes_its_priors_mean():
    fast, plain, _ = problem(3, n_blocks=2, n_dims=2)
    index_BN, block_column, columns, count_R = fast[0], fast[1], fast[2:5], fast[5]
    index_BN[0] = index_BN[0, 0]  # of the first block one row is left
    count_R[:] = np.bincount(index_BN.ravel(), minlength=len(count_R))
    n_first = block_column[1]
    x_P = sparse.csc_matrix((columns[2], columns[1], columns[0])).toarray()[index_BN[0, 0], :n_first]
    assert (x_P == 0).any()
    sweep(*fast)
    at_mean = np.isclose(fast[-1], plain[1], rtol=1e-6)[:, :n_first]
    assert at_mean[:, x_P == 0].all() and not at_mean[:, x_P != 0].any()
