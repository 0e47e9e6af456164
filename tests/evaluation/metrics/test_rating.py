"""Rating and label metrics against python-recsys' examples, SciPy, scikit-learn's numbers and loops."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recsmith.evaluation.bootstrap import figure, pooled
from recsmith.evaluation.metrics import AUC, MAE, RMSE, Kendall, LogLoss, Pearson, Ratings, Spearman

GOLDEN = json.loads((Path(__file__).parents[2] / "oracles" / "metrics.json").read_text())
EXAMPLE = [(3, 2.3), (1, 0.9), (5, 4.9), (2, 0.9), (3, 1.5)]


def ratings(*users):
    """A block with one list of (true, predicted) pairs a user."""
    pairs = np.array([pair for user in users for pair in user], np.float64).reshape(-1, 2)
    indptr = np.concatenate([[0], np.cumsum([len(user) for user in users])]).astype(np.int64)
    return Ratings(indptr, pairs[:, 0].copy(), pairs[:, 1].copy())


def overall(metric, block):
    return float(figure(metric, pooled(metric, metric.per_user(block), np.diff(block.indptr)).sum(axis=0)))


@pytest.mark.parametrize(
    ("metric", "pairs", "expected"),
    [
        (MAE(), EXAMPLE, 0.7),
        (RMSE(), EXAMPLE, 0.891067),
        (MAE(), [*EXAMPLE, (1, 4)], 1.083333),
        (RMSE(), [*EXAMPLE, (1, 4)], 1.470261),
        (Pearson(), EXAMPLE, 0.930024),
        (Pearson(), [*EXAMPLE, (1, 4)], 0.498172),
        (Spearman(), EXAMPLE, 0.947368),
        (Kendall(), EXAMPLE, 0.888889),
        (Spearman(), [(50, 25), (100, 75), (25, 50), (25, 25)], 0.5),
        (Kendall(), [(50, 25), (100, 75), (25, 50), (25, 25)], 0.4),
        (Spearman(), [(50, 25), (100, 75), (25, 50), (25, 25), (4, 4)], 0.763158),
        (Kendall(), [(50, 25), (100, 75), (25, 50), (25, 25), (4, 4)], 0.666667),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list | float) else None,
)
def test_the_python_recsys_examples(metric, pairs, expected):
    assert overall(metric, ratings(pairs)) == pytest.approx(expected, abs=5e-7)


def test_errors_are_over_all_ratings_together_not_means_of_users():
    block = ratings([(5, 4)] * 9, [(1, 4)])
    assert overall(RMSE(), block) == pytest.approx(np.sqrt((9 * 1 + 9) / 10))
    assert overall(MAE(), block) == pytest.approx((9 * 1 + 3) / 10)
    np.testing.assert_allclose(RMSE().per_user(block), [1, 3])
    assert overall(RMSE(), block) != pytest.approx(RMSE().per_user(block).mean())


def test_correlations_equal_scipy_user_by_user():
    rng = np.random.default_rng(0)
    users = [[(rng.integers(1, 6), rng.integers(1, 9) / 2) for _ in range(n)] for n in (2, 5, 30, 80)]
    block = ratings(*users)
    known = ((Pearson(), stats.pearsonr), (Spearman(), stats.spearmanr), (Kendall(), stats.kendalltau))
    for metric, reference in known:
        expected = [reference(*np.array(user, float).T).statistic for user in users]
        np.testing.assert_allclose(metric.per_user(block), expected, atol=1e-12)


def test_users_without_ratings_or_without_variation_are_left_out():
    block = ratings([], [(3, 3.3)], [(4, 3.1), (4, 3.9)], [(1, 3.7), (5, 3.7), (2, 3.7)], [(1, 2), (2, 3)])
    assert np.isnan(RMSE().per_user(block)).tolist() == [True, False, False, False, False]
    for metric in (Pearson(), Spearman(), Kendall()):
        assert np.isnan(metric.per_user(block)).tolist() == [True, True, True, True, False]
    assert np.isnan(overall(Pearson(), ratings([(3, 3)])))


def test_log_loss_and_auc_equal_scikit_learn():
    label, score = np.array(GOLDEN["label"]), np.array(GOLDEN["score"])
    assert overall(LogLoss(), ratings(list(zip(label, score)))) == pytest.approx(GOLDEN["figures"]["LogLoss"])
    users = np.zeros(len(label), np.int64)
    auc = AUC().values(label == 1, score, users, np.ones((1, 1)))
    assert auc[0] == pytest.approx(GOLDEN["figures"]["AUC"])


def test_log_loss_of_a_sure_error_is_finite():
    assert overall(LogLoss(), ratings([(1, 0.0)])) == pytest.approx(-np.log(1e-15))


def test_weighted_auc_equals_a_loop_over_pairs():
    rng = np.random.default_rng(5)
    label, score = rng.random(40) < 0.4, rng.integers(0, 6, 40) / 5
    user, weight = rng.integers(0, 7, 40), rng.integers(0, 4, (3, 7)).astype(float)
    for row, got in zip(weight, AUC().values(label, score, user, weight)):
        above = total = 0.0
        for i in np.flatnonzero(label):
            for j in np.flatnonzero(~label):
                pair = row[user[i]] * row[user[j]]
                total += pair
                above += pair * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
        assert got == pytest.approx(above / total)


def test_auc_needs_both_kinds_of_label():
    assert np.isnan(AUC().values(np.ones(3, bool), np.arange(3.0), np.zeros(3, np.int64), np.ones((1, 1)))[0])
