"""Rows and pairs of a factorization machine by every sample; a person's own column while all else stays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from recsmith.kernels import fm_rows
from recsmith.kernels.fm_rows import EXACT, LEVELS, LOGISTIC


def test_two_sides_give_the_machines_formula():
    """Against w₀ + w·x + Σ_{p<p'} x_p x_p' v_p·v_p', pair by pair of features."""
    rng = np.random.default_rng(0)
    rows = sparse.random(6, 9, 0.5, random_state=rng, format="csr", dtype=np.float32)
    parameter_PSK = rng.normal(0, 0.5, (9, 4, 4)).astype(np.float32)
    constant_S = rng.normal(0, 1, 4).astype(np.float32)
    sum_RSD, alone_RS = np.zeros((6, 4, 3), np.float32), np.zeros((6, 4), np.float32)
    fm_rows.row_sums(rows.indptr.astype(np.int64), rows.indices, rows.data, parameter_PSK, sum_RSD, alone_RS)
    bias_RS = alone_RS + 0.5 * (sum_RSD**2).sum(axis=2)
    person_n, thing_n = np.array([0, 1, 2]), np.array([3, 4, 5])
    out_nS = np.empty((3, 4), np.float32)
    fm_rows.fitted(person_n, thing_n, sum_RSD, bias_RS, sum_RSD, bias_RS, constant_S, out_nS)
    for n in range(3):
        # the two rows as different columns: features of a person and of a thing
        x = np.concatenate([rows[person_n[n]].toarray()[0], rows[thing_n[n]].toarray()[0]])
        for s in range(4):
            w, v = np.tile(parameter_PSK[:, s, 0], 2), np.tile(parameter_PSK[:, s, 1:], (2, 1))
            wanted = constant_S[s] + w @ x
            for p in range(18):
                for other in range(p + 1, 18):
                    wanted += x[p] * x[other] * v[p] @ v[other]
            assert out_nS[n, s] == pytest.approx(wanted, abs=1e-4)


def columns(kind, target_n, cut_SC, firmness=1.0):
    rng = np.random.default_rng(4)
    n, n_samples, n_dims = len(target_n), 2, 3
    fitted_nS = rng.normal(0, 0.5, (n, n_samples)).astype(np.float32)
    others_nSD = rng.normal(0, 1, (n, n_samples, n_dims)).astype(np.float32)
    noise_S, mean_SK = np.array([1.5, 0.7]), rng.normal(0, 0.3, (n_samples, 4))
    precision_SK = rng.gamma(3, 1, (n_samples, 4))
    out_BSK = np.full((2, n_samples, 4), np.nan, np.float32)
    fm_rows.own_columns(
        np.array([0, 0, n]), fitted_nS, others_nSD, target_n.astype(np.float32), kind, cut_SC, noise_S,
        mean_SK, precision_SK, np.full(2, firmness), out_BSK,
    )  # fmt: skip
    return fitted_nS.astype(float), others_nSD.astype(float), noise_S, mean_SK, precision_SK, out_BSK


NO_CUTS = np.zeros((2, 3))


def test_an_own_column_is_the_ridge_solution():
    target_n = np.random.default_rng(1).normal(0, 1, 12)
    fitted_nS, others_nSD, noise_S, mean_SK, precision_SK, out_BSK = columns(EXACT, target_n, NO_CUTS, 2.0)
    np.testing.assert_allclose(out_BSK[0], mean_SK, rtol=1e-6)  # no event: the prior's mean
    for s in range(2):
        h = np.hstack([np.ones((12, 1)), others_nSD[:, s]])
        prior = 2.0 * np.diag(precision_SK[s])
        right = noise_S[s] * h.T @ (target_n - fitted_nS[:, s]) + prior @ mean_SK[s]
        np.testing.assert_allclose(
            out_BSK[1, s], np.linalg.solve(noise_S[s] * h.T @ h + prior, right), atol=1e-4
        )


def test_likes_and_levels_are_at_the_most_probable_column():
    """There the slope of log-likelihood and log-prior is 0; rounds come near it."""
    cut_SC = np.tile([-np.inf, -0.8, 0.9, np.inf], (2, 1))
    rng = np.random.default_rng(2)
    for kind, target_n in ((LOGISTIC, rng.integers(0, 2, 12)), (LEVELS, rng.integers(0, 3, 12))):
        fitted_nS, others_nSD, _, mean_SK, precision_SK, out_BSK = columns(kind, target_n, cut_SC)
        for s in range(2):
            h = np.hstack([np.ones((12, 1)), others_nSD[:, s]])
            norms = []
            for theta in (mean_SK[s], out_BSK[1, s].astype(float)):
                y = fitted_nS[:, s] + h @ theta
                slope = h.T @ pull(kind, target_n, y, cut_SC[s]) - precision_SK[s] * (theta - mean_SK[s])
                norms.append(np.linalg.norm(slope))
            assert norms[1] < 0.02 * norms[0]


def pull(kind, target_n, y, cut_C):
    """Gives the slope of each event's log-likelihood by ŷ."""
    if kind == LOGISTIC:
        return target_n - 1 / (1 + np.exp(-y))
    low, high = cut_C[target_n] - y, cut_C[target_n + 1] - y
    law = stats.norm
    return (law.pdf(low) - law.pdf(high)) / (law.cdf(high) - law.cdf(low))
