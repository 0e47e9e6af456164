"""IALS: the checkerboard, its objective by hand, strangers as training users, going on, threads, edges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from factor_checks import assert_same_state, check_going_on, check_threads_and_seed, dataset, ratings

from recsmith import Run
from recsmith.data import Histories
from recsmith.errors import InvalidValue
from recsmith.models import BPR, IALS
from recsmith.models.factorization import ials
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()


@pytest.mark.parametrize("settings", [{}, {"solver": "cholesky"}, {"weighting": "log", "embedding_dim": 8}])
def test_contract(settings):
    check_recommender(lambda: IALS(n_epochs=5, **settings))


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_checkerboard(solver):
    board = toy.checkerboard(20)
    model = IALS(embedding_dim=8, solver=solver, n_epochs=10, regularization=0.01).fit(board)
    assert [items[0] for items in model.recommend(range(20), k=1).item_ids] == list(range(20))
    assert {line.item_id % 2 for line in model.similar_items(4, k=9)} == {0}


def objective(model: IALS, c_UI: np.ndarray) -> float:
    """Σ_observed c (1 − ŷ)² + α Σ_all ŷ² + λ Σ (|N| + α·others)^ν |vector|², as the config says."""
    y_UI = model.user_UD.astype(float) @ model.item_ID.T.astype(float)
    set_ = model.config
    a, lam, nu = set_.unobserved_weight, set_.regularization, set_.frequency_exponent
    seen_UI = c_UI > 0
    users, items = seen_UI.any(1).sum(), seen_UI.any(0).sum()
    loss = (c_UI * (1 - y_UI) ** 2).sum() + a * (y_UI**2).sum()
    loss += (lam * (seen_UI.sum(1) + a * items) ** nu * (model.user_UD**2).sum(1)).sum()
    return loss + (lam * (seen_UI.sum(0) + a * users) ** nu * (model.item_ID**2).sum(0 + 1)).sum()


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("weighting", ["binary", "weight", "log"])
def test_the_learning_curve_is_the_objective_and_falls(exponent, weighting):
    matrix_UI = ratings(1)
    model = IALS(
        embedding_dim=4,
        n_epochs=6,
        solver="cholesky",
        frequency_exponent=exponent,
        weighting=weighting,
        regularization=0.1,
    ).fit(dataset(matrix_UI))
    stars_UI = np.nan_to_num(matrix_UI)
    c_UI = {"binary": (stars_UI > 0) * 1.0, "weight": stars_UI, "log": np.log1p(stars_UI)}[weighting]
    losses = [line["loss"] for line in model.learning_curve]
    assert losses[-1] * (c_UI > 0).sum() == pytest.approx(objective(model, c_UI), rel=1e-4)
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(losses))


def test_a_half_step_is_at_its_minimum():
    matrix_UI = ratings(2)
    model = IALS(embedding_dim=3, n_epochs=4, regularization=0.1).fit(dataset(matrix_UI))
    c_UI = (~np.isnan(matrix_UI)).astype(float)
    least = objective(model, c_UI)
    for step in np.random.default_rng(0).normal(0, 0.05, (20, *model.user_UD.shape)).astype(np.float32):
        model.user_UD += step
        assert objective(model, c_UI) > least
        model.user_UD -= step


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_a_stranger_with_a_users_history_gets_the_users_scores(solver):
    model = IALS(embedding_dim=8, n_epochs=5, solver=solver).fit(TASTES)
    rows = TASTES.histories()
    for row in (0, 7):
        history = TASTES.items.decode(rows.block(row, row + 1).item)
        warm = model.score(histories=[history])
        np.testing.assert_allclose(warm, model.score(TASTES.users.decode([row])), rtol=1e-5, atol=1e-6)


def test_conjugate_gradients_come_to_what_the_exact_solver_finds():
    exact = IALS(embedding_dim=6, n_epochs=15, solver="cholesky").fit(TASTES)
    steps = IALS(embedding_dim=6, n_epochs=15, n_cg_steps=4).fit(TASTES)
    a, b = (model.learning_curve[-1]["loss"] for model in (exact, steps))
    assert b == pytest.approx(a, rel=0.01)


@pytest.mark.parametrize("most_steps", [48, 1])
def test_long_vectors_end_at_the_exact_solution(monkeypatch, most_steps):
    """By steps that arrive, or by Cholesky where there are too few of them."""
    monkeypatch.setattr(ials, "_MOST_STEPS", most_steps)
    model = IALS(embedding_dim=72, n_epochs=2).fit(TASTES)
    rows = TASTES.histories()
    items = [TASTES.items.decode(rows.block(row, row + 1).item) for row in range(len(rows))]
    warm_BI = model.score(histories=items)
    hot_BI = model.score(TASTES.users.decode(np.arange(len(rows))))
    np.testing.assert_allclose(warm_BI, hot_BI, rtol=1e-4, atol=1e-5)


def asked_plainly(model: IALS, item_L: list[int], weight_L: list[float]) -> np.ndarray:
    """Gives the scores of a history by normal equations: an item's weight is the sum, its age the last's."""
    settings, q_ID = model.config, model.item_ID.astype(float)
    c_I = np.zeros(len(q_ID))
    for place, item in enumerate(item_L):
        if item in item_L[place + 1 :]:
            continue
        total = sum(w for i, w in zip(item_L, weight_L, strict=True) if i == item)
        c = {"binary": 1.0, "weight": total, "log": np.log1p(total)}[settings.weighting]
        c_I[item] = c * 2.0 ** (-(len(item_L) - 1 - place) / settings.history_half_life)
    n_taken = (model.memory.popularity > 0).sum()
    penalty = settings.regularization * (len(set(item_L)) + settings.unobserved_weight * n_taken)
    matrix_DD = q_ID.T @ (c_I[:, None] * q_ID) + settings.unobserved_weight * q_ID.T @ q_ID
    return q_ID @ np.linalg.solve(matrix_DD + penalty * np.eye(len(matrix_DD)), q_ID.T @ c_I)


@pytest.mark.parametrize("weighting", ["binary", "weight", "log"])
def test_recent_events_count_more_in_the_normal_equations(weighting):
    model = IALS(embedding_dim=5, n_epochs=4, weighting=weighting, history_half_life=2.0).fit(TASTES)
    item_L, weight_L = np.array([3, 8, 3, 21, 16], np.int32), np.array([5, 2, 4, 3, 1], np.float32)
    stranger = Histories(np.array([0, 5]), item_L, weight_L, np.array([-1], np.int32))
    taken = model.memory.popularity > 0
    expected_I = asked_plainly(model, item_L.tolist(), weight_L.tolist())
    np.testing.assert_allclose(model._score(stranger)[0, taken], expected_I[taken], rtol=1e-4, atol=1e-5)
    base_K, part_LK = model._contributions(stranger, np.flatnonzero(taken))
    np.testing.assert_allclose(base_K + part_LK.sum(0), expected_I[taken], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"solver": "cholesky"}, {"embedding_dim": 72}])
def test_recent_events_count_more_for_training_users_as_for_strangers(settings):
    model = IALS(n_epochs=3, history_half_life=2.0, **settings).fit(TASTES)
    rows = TASTES.histories()
    hot_BI, warm_BI = model._score(rows), model._score(rows.as_strangers())
    np.testing.assert_allclose(hot_BI, warm_BI, rtol=1e-4, atol=1e-5)
    plainly = asked_plainly(model, rows.block(7, 8).item.tolist(), rows.block(7, 8).weight.tolist())
    taken = model.memory.popularity > 0
    np.testing.assert_allclose(hot_BI[7, taken], plainly[taken], rtol=1e-4, atol=1e-5)


def test_a_model_that_is_not_done_knows_already_that_recent_events_count_more():
    seen = []
    model = IALS(embedding_dim=5, n_epochs=2, history_half_life=2.0)
    rows = TASTES.histories()

    def judge(done: int) -> None:
        seen.append((model._score(rows), model._score(rows.as_strangers())))

    model.fit(TASTES, run=Run(judge_epoch=judge)).fit(TASTES, run=Run(judge_epoch=judge))
    assert len(seen) == 4
    for hot_BI, warm_BI in seen:
        np.testing.assert_allclose(hot_BI, warm_BI, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"solver": "cholesky"}, {"history_half_life": 2.0}])
def test_going_on(settings):
    check_going_on(lambda: IALS(embedding_dim=5, n_epochs=7, **settings), TASTES, after=3)


def test_a_whole_fit_goes_on_from_users_that_know_no_half_life():
    make = lambda n_epochs: IALS(embedding_dim=5, n_epochs=n_epochs, history_half_life=2.0)  # noqa: E731
    plain = IALS(embedding_dim=5, n_epochs=3).fit(TASTES).state()
    done = make(3).fit(TASTES).state()
    further = make(5).fit(TASTES, run=Run(start_epoch=3, state=done)).state()
    as_plain = IALS(embedding_dim=5, n_epochs=5).fit(TASTES, run=Run(start_epoch=3, state=plain)).state()
    for name in as_plain:
        np.testing.assert_array_equal(further[name], as_plain[name], err_msg=name)


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_threads_and_seed(solver):
    check_threads_and_seed(lambda: IALS(embedding_dim=5, n_epochs=3, solver=solver), TASTES)


def test_state_of_other_data_is_refused():
    state = IALS(embedding_dim=5, n_epochs=1).fit(TASTES).state()
    with pytest.raises(
        InvalidValue, match=r"run.state\['item_ID'\] must be an array of shape .*Got \(40, 5\)"
    ):
        IALS(embedding_dim=6).fit(TASTES, run=Run(state=state))


def test_contributions_are_hus_formula():
    model = IALS(embedding_dim=4, n_epochs=3, weighting="weight").fit(TASTES)
    row = TASTES.histories(np.array([3]))
    base_K, part_LK = model._contributions(row, np.array([0, 5, 39]))
    y_LD, c_L = model.item_ID[row.item].astype(float), row.weight.astype(float)
    n_items = (model.memory.popularity > 0).sum()
    penalty = model.config.regularization * (len(c_L) + model.config.unobserved_weight * n_items)
    gram_DD = model.config.unobserved_weight * model.item_ID.T.astype(float) @ model.item_ID
    inverse_DD = np.linalg.inv(gram_DD + y_LD.T @ (c_L[:, None] * y_LD) + penalty * np.eye(4))
    expected_LK = c_L[:, None] * (y_LD @ inverse_DD @ model.item_ID[[0, 5, 39]].T)
    assert (base_K == 0).all()
    np.testing.assert_allclose(part_LK, expected_LK, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1), (3, 3)])
def test_one_user_one_item_and_more_dimensions_than_either(shape):
    model = IALS(embedding_dim=20, n_epochs=3).fit(dataset(np.full(shape, 4.0)))
    assert np.isfinite(model.score([0])).all() and model.item_vectors().shape == (shape[1], 20)


def test_negative_weights_are_refused_where_they_count():
    data = dataset(np.array([[1.0, -2.0], [3.0, 4.0]]))
    IALS(n_epochs=1).fit(data)
    with pytest.raises(
        InvalidValue, match="weight must be 0 or more for IALS. Got -2.0. Use weighting='binary'"
    ):
        IALS(n_epochs=1, weighting="weight").fit(data)


def test_same_seed_same_bits():
    assert_same_state(IALS(n_epochs=2).fit(TASTES), IALS(n_epochs=2).fit(TASTES))


@pytest.mark.parametrize(
    "model", [IALS(embedding_dim=8, n_epochs=2), BPR(embedding_dim=8, n_epochs=2)], ids=repr
)
def test_scores_of_some_items_are_those_of_all(model):
    data = toy.tastes()
    rows = model.fit(data).memory.histories.take(np.arange(6))
    code_BN = np.random.default_rng(0).integers(0, data.n_items, (6, 9)).astype(np.int32)
    picked_BN = np.take_along_axis(model._score(rows), code_BN, axis=1)
    np.testing.assert_allclose(model._score_some(rows, code_BN), picked_BN, rtol=1e-5, atol=1e-6)
