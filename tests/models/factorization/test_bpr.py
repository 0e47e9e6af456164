"""BPR: the checkerboard, going on, threads in one block and in eight, reasons, edges."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import check_going_on, check_threads_and_seed, dataset

from recsmith.errors import InvalidValue
from recsmith.models import BPR
from recsmith.models.factorization import bpr
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()


def test_contract():
    check_recommender(lambda: BPR(n_epochs=10, embedding_dim=8))


def test_checkerboard_for_users_and_strangers():
    board = toy.checkerboard(20)
    model = BPR(embedding_dim=8, n_epochs=200, learning_rate=0.1).fit(board)
    assert [items[0] for items in model.recommend(range(20), k=1).item_ids] == list(range(20))
    assert model.learning_curve[-1]["AUC"] > 0.95 > model.learning_curve[0]["AUC"]
    strangers = model.recommend(histories=[[0, 2, 4, 6], [1, 3, 5, 7]], k=6)
    assert [{item % 2 for item in items} for items in strangers.item_ids] == [{0}, {1}]


def test_going_on():
    check_going_on(lambda: BPR(embedding_dim=5, n_epochs=7), TASTES, after=3)


def test_threads_and_seed():
    check_threads_and_seed(lambda: BPR(embedding_dim=5, n_epochs=3), TASTES)


def test_threads_and_seed_in_eight_groups(monkeypatch):
    monkeypatch.setattr(bpr, "groups_for", lambda n_events: 8)
    monkeypatch.setattr(bpr, "_FEWEST_ITEMS", 8)
    check_threads_and_seed(lambda: BPR(embedding_dim=5, n_epochs=3), TASTES)


def test_reasons_add_up_to_the_folded_in_score():
    model = BPR(embedding_dim=5, n_epochs=3).fit(TASTES)
    row = TASTES.histories(np.array([2]))
    base_K, part_LK = model._contributions(row, np.arange(38, dtype=np.int32))
    np.testing.assert_allclose(base_K + part_LK.sum(0), model._score(row.as_strangers())[0, :38], atol=1e-4)
    assert (base_K == model.item_bias_I[:38]).all()


def test_a_person_who_took_everything_is_no_trouble():
    matrix_UI = np.full((3, 4), np.nan)
    matrix_UI[0] = 1
    matrix_UI[1, :2] = 1
    matrix_UI[2, 2] = 1
    model = BPR(n_epochs=3, embedding_dim=2).fit(dataset(matrix_UI))
    assert np.isfinite(model.score([0, 1, 2])).all()


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape):
    model = BPR(n_epochs=2, embedding_dim=9).fit(dataset(np.full(shape, 1.0)))
    assert np.isfinite(model.score([0])).all()


def test_diverging_names_the_epoch_and_the_cure():
    with pytest.raises(InvalidValue, match=r"learning_rate must be small enough.* Epoch 0 .*Halve it"):
        BPR(learning_rate=1e12, regularization=1.0, n_epochs=5).fit(TASTES)
