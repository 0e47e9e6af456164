"""SLIM: contract, checkerboard, columns as the plain descent, reasons, threads, memory said in time."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import assert_same_state, dataset, ratings

from recsmith import Run
from recsmith.errors import InvalidValue
from recsmith.kernels.slim import slim_column_plain
from recsmith.models import SLIM
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()
SMALL = {"l1_regularization": 0.3, "l2_regularization": 3.0}


@pytest.mark.parametrize("settings", [{}, {"weighting": "weight"}, {"activity_exponent": 0.5}])
def test_contract(settings):
    check_recommender(lambda: SLIM(**SMALL, **settings))


def test_checkerboard():
    model = SLIM(**SMALL).fit(toy.checkerboard(20))
    assert [items[0] for items in model.recommend(range(20), k=1).item_ids] == list(range(20))
    assert {line.item_id % 2 for line in model.similar_items(4, k=9)} == {0}


@pytest.mark.parametrize("weighting", ["binary", "weight"])
@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_columns_are_the_plain_descents(weighting, exponent):
    matrix_UI = ratings(4, n_users=40, n_items=10)
    model = SLIM(**SMALL, weighting=weighting, activity_exponent=exponent, tolerance=1e-7).fit(
        dataset(matrix_UI)
    )
    x_UI = np.nan_to_num(matrix_UI) if weighting == "weight" else (~np.isnan(matrix_UI)).astype(float)
    damped_UI = x_UI * (x_UI > 0).sum(1, keepdims=True) ** (-exponent / 2)
    gram_II = damped_UI.T @ damped_UI
    expected_II = np.stack([slim_column_plain(gram_II, j, 0.3, 3.0) for j in range(10)], axis=1)
    np.testing.assert_allclose(model.weight_SI.toarray(), expected_II, atol=1e-5)
    found = model.score(range(40))
    np.testing.assert_allclose(np.where(np.isneginf(found), 0, found), x_UI @ expected_II, atol=1e-4)


def test_a_larger_l1_leaves_fewer_weights():
    counts = [
        SLIM(l1_regularization=l1, l2_regularization=3.0).fit(TASTES).weight_SI.nnz for l1 in (0.1, 1, 4)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_reasons_add_up_to_the_score():
    model = SLIM(**SMALL).fit(TASTES)
    history = ["i000", "i004", "i000", "i008"]
    item = model.recommend(histories=[history], k=1).item_ids[0][0]
    told = model.explain(None, item, history=history)
    assert told.score == pytest.approx(model.score(histories=[history], item_ids=[item])[0, 0], rel=1e-6)


def test_threads_change_no_bit():
    data = dataset(ratings(1, n_users=50, n_items=150))
    one, other = (SLIM(**SMALL).fit(data, run=Run(n_threads=n)) for n in (1, 3))
    assert_same_state(one, other)


def test_too_little_memory_is_said_before_it_is_taken():
    data = dataset(ratings(1, n_users=5, n_items=1000))
    with pytest.raises(
        InvalidValue,
        match=r"SLIM's memory must be at most 0\.001 GB\. Got 0\.00426 GB for 1,000 items\. Use RP3beta",
    ):
        SLIM(max_memory_gb=1e-3).fit(data, run=Run(n_threads=1))


def test_negative_weights_are_refused():
    data = dataset(np.array([[-1.0, 2.0], [3.0, 1.0]]))
    with pytest.raises(InvalidValue, match=r"weight must be 0 or more for SLIM\. Got -1\.0\."):
        SLIM(weighting="weight").fit(data)
    SLIM(**SMALL).fit(data)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape):
    model = SLIM(**SMALL).fit(dataset(np.full(shape, 4.0)))
    assert model.weight_SI.shape == (shape[1], shape[1])
    assert model.recommend([0]).item_ids == ((),)
