"""The report's content refuses what does not fit, and knows which way a metric is better."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recsmith.errors import InvalidValue
from recsmith.report import Crosstab, ItemMap, Leaderboard
from recsmith.report.content import lower_is_better


def test_models_are_ranked_best_first_by_what_the_metric_means(leaderboard):
    assert leaderboard.ranked("NDCG@10")[0] == "EASE"
    assert leaderboard.ranked("NDCG@10")[-1] == "Popular"
    # Less error is better, and Popular has none to compare.
    assert leaderboard.ranked("RMSE")[-1] == "EASE"
    assert len(leaderboard.ranked("RMSE")) == 2


def test_a_metric_without_a_figure_does_not_rank():
    board = Leaderboard(
        results={"a": {"NDCG@10": {"value": float("nan")}}, "b": {"NDCG@10": {"value": 0.1}}},
        primary="NDCG@10",
    )
    assert board.ranked("NDCG@10") == ["b"]


@pytest.mark.parametrize(
    ("metric", "lower"), [("RMSE", True), ("LogLoss", True), ("NDCG@10", False), ("AUC", False)]
)
def test_errors_and_losses_are_better_when_lower(metric, lower):
    assert lower_is_better(metric) is lower


def test_a_leaderboard_needs_a_model_and_a_metric_it_has():
    with pytest.raises(InvalidValue, match="results must be the metrics of at least one model"):
        Leaderboard(results={}, primary="NDCG@10")
    with pytest.raises(InvalidValue, match="primary must be one of the metrics RMSE. Got 'NDCG@10'"):
        Leaderboard(results={"a": {"RMSE": {"value": 1.0}}}, primary="NDCG@10")


def test_a_cross_table_refuses_a_matrix_of_another_shape():
    with pytest.raises(InvalidValue, match=r"predicted must be an array of shape \(2, 1\). Got \(1, 2\)."):
        Crosstab(user_ids=["1", "2"], titles=["a"], actual=np.ones((2, 1)), predicted=np.ones((1, 2)))


def test_the_error_is_predicted_minus_actual(crosstab):
    assert np.isnan(crosstab.error[0, 1])
    np.testing.assert_allclose(crosstab.error[1], crosstab.predicted[1] - crosstab.actual[1])


def test_a_map_names_the_columns_it_needs():
    with pytest.raises(InvalidValue, match="columns x, y, title, group and count. Got x."):
        ItemMap(items=pl.DataFrame({"x": [1.0]}))
