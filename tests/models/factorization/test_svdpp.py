"""SVDpp: it uses what was rated beside how, going on, threads, strangers, reasons, divergence, edges."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import check_going_on, check_threads_and_seed, dataset

from recsmith.errors import InvalidValue
from recsmith.models import FunkSVD, SVDpp
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()
SMALL = {"embedding_dim": 6, "n_epochs": 8, "learning_rate": 0.03}


def test_contract():
    check_recommender(lambda: SVDpp(**SMALL))


def test_what_people_rate_tells_how_they_rate():
    """Two groups rate two halves of some items, and the rest with 5 by one group, 1 by the other.

    A stranger who named items without saying how they liked them is known by their choice alone.
    """
    rng = np.random.default_rng(0)
    matrix_UI = np.full((60, 24), np.nan)
    for u in range(60):
        mine = rng.permutation(10)[:8] + 10 * (u % 2)
        matrix_UI[u, mine] = 3.0
        matrix_UI[u, 20 + rng.permutation(4)[:3]] = 5.0 if u % 2 else 1.0
    model = SVDpp(embedding_dim=3, n_epochs=200, learning_rate=0.02, regularization=0.01).fit(
        dataset(matrix_UI)
    )
    histories = [dict.fromkeys(range(start, start + 8), 3.0) for start in (0, 10)]
    low, high = model.predict(None, [21, 21], histories=histories)
    assert high - low > 2.5
    alike = FunkSVD(embedding_dim=3, n_epochs=200, regularization=0.01).fit(dataset(matrix_UI))
    low, high = alike.predict(None, [21, 21], histories=histories)
    assert high - low < 2.0


def test_the_score_is_the_formula():
    model = SVDpp(**SMALL).fit(TASTES)
    rows = TASTES.histories(np.arange(10))
    for u in range(10):
        mine = np.unique(rows.block(u, u + 1).item)
        z = model.implicit_ID[mine].sum(0) / np.sqrt(len(mine))
        expected = (
            model.mean + model.user_bias_U[u] + model.item_bias_I + model.item_ID @ (model.user_UD[u] + z)
        )
        np.testing.assert_allclose(model._score(rows.block(u, u + 1))[0, :38], expected[:38], atol=1e-4)


def test_a_stranger_is_the_ridge_solution_given_their_items():
    """Minimises Σ (r − μ − b_i − q·z − b − p·q_i)² + λ n (b² + |p|²), by hand."""
    model = SVDpp(**SMALL).fit(TASTES)
    items, stars = [0, 3, 5, 9], np.array([5.0, 1.0, 4.0, 2.0])
    z = model.implicit_ID[items].sum(0) / 2
    x = np.hstack([np.ones((4, 1)), model.item_ID[items]])
    target = stars - model.mean - model.item_bias_I[items] - model.item_ID[items] @ z
    solution = np.linalg.solve(x.T @ x + model.penalty * 4 * np.eye(7), x.T @ target)
    expected = model.mean + solution[0] + model.item_bias_I + model.item_ID @ (solution[1:] + z)
    history = dict(zip(TASTES.items.decode(items), stars.tolist(), strict=True))
    np.testing.assert_allclose(model.score(histories=[history])[0, :38], expected[:38], atol=1e-4)


def test_reasons_add_up_to_the_folded_in_score():
    model = SVDpp(**SMALL).fit(TASTES)
    row = TASTES.histories(np.array([2]))
    base_K, part_LK = model._contributions(row, np.arange(38, dtype=np.int32))
    np.testing.assert_allclose(base_K + part_LK.sum(0), model._score(row.as_strangers())[0, :38], atol=1e-4)


def test_going_on():
    check_going_on(lambda: SVDpp(embedding_dim=5, n_epochs=7), TASTES, after=3)


def test_threads_and_seed():
    check_threads_and_seed(lambda: SVDpp(embedding_dim=5, n_epochs=3), TASTES)


def test_diverging_names_the_epoch_and_the_cure():
    with pytest.raises(InvalidValue, match=r"learning_rate must be small enough.*RMSE \S+ Halve it\.$"):
        SVDpp(learning_rate=5.0).fit(TASTES)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape):
    model = SVDpp(n_epochs=2, embedding_dim=9).fit(dataset(np.full(shape, 4.0)))
    assert model.predict([0], [0])[0] == pytest.approx(4, abs=0.1)


def test_regularization_hangs_on_the_length_of_the_log_unless_it_is_given():
    usual = [SVDpp().config.usual(n)["regularization"] for n in (1_000, 100_000, 1_000_000)]
    assert usual == pytest.approx([0.08, 0.08, 0.045], abs=1e-4)
    assert SVDpp(regularization=0.3).config.usual(10**6) == {}
    assert SVDpp(n_epochs=1).fit(TASTES).penalty == 0.08
    given, other = (SVDpp(regularization=value, n_epochs=3).fit(TASTES) for value in (0.3, 0.0))
    assert (given.penalty, other.penalty) == (0.3, 0.0)
    assert np.abs(given.item_ID).sum() < np.abs(other.item_ID).sum(), "steps use it"
