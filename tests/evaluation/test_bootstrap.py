"""The bootstrap against SciPy's, its draws, and its bound on memory."""

import numpy as np
import pytest
from scipy import stats

from recsmith.evaluation import bootstrap
from recsmith.evaluation.metrics import NDCG, RMSE


def test_draws_are_whole_resamples_in_bounded_chunks(monkeypatch):
    monkeypatch.setattr(bootstrap, "_DRAWS_AT_ONCE", 100)
    chunks = list(bootstrap.resamples(30, 10, seed=1))
    assert [len(chunk) for chunk in chunks] == [3, 3, 3, 1]
    weights = np.concatenate(chunks)
    assert (weights.sum(axis=1) == 30).all()
    assert len(np.unique(weights, axis=0)) == 10
    again = np.concatenate(list(bootstrap.resamples(30, 10, seed=1)))
    np.testing.assert_array_equal(weights, again)


def test_no_users_and_no_resamples():
    assert list(bootstrap.resamples(0, 10, seed=0)) == []
    assert list(bootstrap.resamples(5, 0, seed=0)) == []
    assert bootstrap.interval(np.empty(0)) == (None, None)
    assert bootstrap.interval(np.array([np.nan])) == (None, None)


def test_the_interval_of_a_mean_is_scipys():
    value_U = np.random.default_rng(0).beta(1, 3, 400)
    ours = bootstrap.replicates({NDCG(10): bootstrap.pooled(NDCG(10), value_U, None)}, 4000, seed=0)[NDCG(10)]
    theirs = stats.bootstrap((value_U,), np.mean, n_resamples=4000, method="percentile", rng=1)
    np.testing.assert_allclose(bootstrap.interval(ours), theirs.confidence_interval, atol=0.003)
    assert ours.std() == pytest.approx(theirs.standard_error, rel=0.06)


def test_the_interval_of_rmse_resamples_users_with_all_their_ratings():
    rng = np.random.default_rng(0)
    n_U = rng.integers(1, 30, 300)
    value_U = np.sqrt(rng.gamma(2, 0.5, 300))

    def pooled_rmse(user):
        return np.sqrt((n_U[user] * value_U[user] ** 2).sum(axis=-1) / n_U[user].sum(axis=-1))

    metric = RMSE()
    ours = bootstrap.replicates({metric: bootstrap.pooled(metric, value_U, n_U)}, 4000, seed=0)[metric]
    theirs = stats.bootstrap(
        (np.arange(300),), pooled_rmse, n_resamples=4000, method="percentile", vectorized=False, rng=1
    )
    np.testing.assert_allclose(bootstrap.interval(ours), theirs.confidence_interval, atol=0.008)


def test_the_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    metric, inside = NDCG(10), 0
    for trial in range(200):
        value_U = rng.exponential(0.3, 150)
        drawn = bootstrap.replicates({metric: bootstrap.pooled(metric, value_U, None)}, 400, seed=trial)[
            metric
        ]
        low, high = bootstrap.interval(drawn)
        inside += low <= 0.3 <= high
    assert 0.90 <= inside / 200 <= 0.985


def test_users_left_out_weigh_nothing():
    value_U = np.array([0.2, np.nan, 0.6])
    part = bootstrap.pooled(NDCG(1), value_U, None)
    assert part.tolist() == [[0.2, 1], [0, 0], [0.6, 1]]
    assert bootstrap.figure(NDCG(1), part.sum(axis=0)) == pytest.approx(0.4)
    assert np.isnan(bootstrap.figure(NDCG(1), np.zeros(2)))
