"""FunkSVD: it learns, Huber resists, going on, threads, strangers, reasons, divergence, edges."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import check_going_on, check_threads_and_seed, dataset, ratings

from recsmith.errors import InvalidValue
from recsmith.kernels import strata
from recsmith.models import FunkSVD
from recsmith.models.factorization import funk_svd
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()
SMALL = {"embedding_dim": 6, "n_epochs": 8}


@pytest.mark.parametrize("settings", [{}, {"loss": "huber", "gradient_clip": 1.0}])
def test_contract(settings):
    check_recommender(lambda: FunkSVD(**SMALL, **settings))


def test_it_learns_a_low_rank_matrix():
    rng = np.random.default_rng(0)
    whole_UI = (
        3
        + rng.normal(0, 0.3, (40, 1))
        + rng.normal(0, 0.3, 30)
        + rng.normal(0, 1, (40, 1)) * rng.normal(0, 1, 30)
    )
    held_UI = rng.random(whole_UI.shape) < 0.2
    model = FunkSVD(embedding_dim=2, n_epochs=300, regularization=0.01, learning_rate_decay=1.0)
    model.fit(dataset(np.where(held_UI, np.nan, whole_UI)))
    user, item = np.nonzero(held_UI)
    error = model.predict(user.tolist(), item.tolist()) - whole_UI[held_UI]
    assert np.sqrt((error**2).mean()) < 0.3 * whole_UI.std()
    assert model.learning_curve[-1]["RMSE"] < 0.2 * model.learning_curve[0]["RMSE"]


def test_hubers_loss_is_less_moved_by_an_outlier():
    matrix_UI = ratings(3, n_users=30, n_items=10)
    spoilt_UI = matrix_UI.copy()
    spoilt_UI[0, 0] = 60.0
    moved = {}
    for loss in ("squared", "huber"):
        make = FunkSVD(embedding_dim=2, n_epochs=30, loss=loss, regularization=0.05)
        clean, spoilt = (
            make.fit(dataset(matrix_UI)).item_bias_I.copy(),
            make.fit(dataset(spoilt_UI)).item_bias_I,
        )
        moved[loss] = abs(spoilt[0] - clean[0])
    assert moved["huber"] < 0.5 * moved["squared"]


def test_going_on():
    check_going_on(lambda: FunkSVD(embedding_dim=5, n_epochs=7), TASTES, after=3)


@pytest.mark.parametrize("n_groups", [1, 8])
def test_threads_and_seed(monkeypatch, n_groups):
    monkeypatch.setattr(funk_svd, "groups_for", lambda n_events, many: n_groups)
    check_threads_and_seed(lambda: FunkSVD(embedding_dim=5, n_epochs=3), TASTES)
    assert strata.groups_for(10) == 1


def test_a_stranger_is_the_ridge_solution():
    """Minimises Σ (r − μ − b_i − b − p·q_i)² + λ n (b² + |p|²): found by hand, with the squared loss."""
    model = FunkSVD(**SMALL).fit(TASTES)
    items, stars = [0, 3, 5, 9], np.array([5.0, 1.0, 4.0, 2.0])
    x = np.hstack([np.ones((4, 1)), model.item_ID[items]])
    target = stars - model.mean - model.item_bias_I[items]
    solution = np.linalg.solve(x.T @ x + model.penalty * 4 * np.eye(7), x.T @ target)
    expected = model.mean + solution[0] + model.item_bias_I + model.item_ID @ solution[1:]
    history = dict(zip(TASTES.items.decode(items), stars.tolist()))
    got = model.score(histories=[history])[0]
    np.testing.assert_allclose(got[:38], expected[:38], atol=1e-4)
    wanted = np.clip(expected[7], *model.memory.weight_range)
    assert model.predict(None, TASTES.items.decode([7]), histories=[history])[0] == pytest.approx(
        wanted, abs=1e-4
    )


def test_reasons_add_up_to_the_folded_in_score():
    model = FunkSVD(**SMALL).fit(TASTES)
    row = TASTES.histories(np.array([2]))
    base_K, part_LK = model._contributions(row, np.arange(38, dtype=np.int32))
    np.testing.assert_allclose(base_K + part_LK.sum(0), model._score(row.as_strangers())[0, :38], atol=1e-4)


def test_predictions_stay_on_the_scale_and_cold_ones_are_means():
    model = FunkSVD(**SMALL).fit(TASTES)
    users, items = TASTES.users.ids.to_list(), TASTES.items.ids.to_list()
    for item in items:
        predicted = model.predict(users, [item] * len(users))
        assert predicted.min() >= 1 and predicted.max() <= 5
    nobody_took = items[-1]
    assert model.predict(["stranger"], [nobody_took])[0] == pytest.approx(model.mean, abs=1e-5)


def test_diverging_names_the_epoch_and_the_cure():
    with pytest.raises(
        InvalidValue, match=r"learning_rate must be small enough.*Got 5\.0\. Epoch \d+ ended with RMSE"
    ):
        FunkSVD(learning_rate=5.0).fit(TASTES)
    clipped = FunkSVD(learning_rate=0.5, gradient_clip=0.1, n_epochs=3).fit(TASTES)
    assert np.isfinite(clipped.item_ID).all()


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape):
    model = FunkSVD(n_epochs=2, embedding_dim=9).fit(dataset(np.full(shape, 4.0)))
    assert model.predict([0], [0])[0] == pytest.approx(4, abs=0.1)


def test_regularization_hangs_on_the_length_of_the_log_unless_it_is_given():
    usual = [FunkSVD().config.usual(n)["regularization"] for n in (1_000, 100_000, 1_000_000, 10_000_000)]
    assert usual == pytest.approx([0.1, 0.1, 0.0708, 0.0501], abs=1e-4)
    assert FunkSVD(regularization=0.3).config.usual(10**6) == {}
    assert FunkSVD(regularization=0.3, n_epochs=1).fit(TASTES).penalty == 0.3
    assert FunkSVD(n_epochs=1).fit(TASTES).penalty == 0.1


def test_no_regularization_still_folds_in():
    model = FunkSVD(regularization=0, n_epochs=2).fit(TASTES)
    assert np.isfinite(model.score(histories=[TASTES.items.decode([0, 1])])[0, :38]).all()
