"""EASE: the formula, primal and dual alike, the checkerboard, damped activity, memory named in time."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import dataset, ratings
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith import Run
from recsmith.errors import InvalidValue
from recsmith.models import EASE
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_contract(solver):
    check_recommender(lambda: EASE(regularization=5, solver=solver))


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_checkerboard(solver):
    model = EASE(regularization=1, solver=solver).fit(toy.checkerboard(20))
    assert [items[0] for items in model.recommend(range(20), k=1).item_ids] == list(range(20))
    assert {line.item_id % 2 for line in model.similar_items(4, k=9)} == {0}


def by_formula(x_UI: np.ndarray, regularization: float, activity_exponent: float = 0) -> np.ndarray:
    """B by numpy.linalg.inv, for Σ_u |N(u)|^−η |x_u − x_u B|² + λ |B|²."""
    weight_U = np.maximum((x_UI != 0).sum(1), 1.0) ** -activity_exponent
    p_II = np.linalg.inv(x_UI.T @ (weight_U[:, None] * x_UI) + regularization * np.eye(x_UI.shape[1]))
    b_II = p_II / -np.diag(p_II)
    np.fill_diagonal(b_II, 0)
    return b_II


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    solver=st.sampled_from(["primal", "dual"]),
    weighting=st.sampled_from(["binary", "weight"]),
    precision=st.sampled_from(["float32", "float64"]),
    exponent=st.sampled_from([0.0, 0.5]),
    n_users=st.integers(1, 15),
)
def test_it_is_the_formula(seed, solver, weighting, precision, exponent, n_users):
    matrix_UI = ratings(seed, n_users=n_users)
    model = EASE(
        regularization=3, solver=solver, weighting=weighting, precision=precision, activity_exponent=exponent
    ).fit(dataset(matrix_UI))
    x_UI = np.nan_to_num(matrix_UI) if weighting == "weight" else (~np.isnan(matrix_UI)).astype(float)
    weight_II = by_formula(x_UI, 3, exponent)
    np.testing.assert_allclose(model.score(range(n_users)), x_UI @ weight_II, rtol=1e-3, atol=2e-4)
    assert (model.weight_II is None) == (solver == "dual")
    base_K, part_LK = model._contributions(model.memory.histories.block(0, 1), np.arange(9, dtype=np.int32))
    items = model.memory.histories.block(0, 1).item
    np.testing.assert_allclose(part_LK, x_UI[0, items][:, None] * weight_II[items], rtol=1e-3, atol=2e-4)
    assert (base_K == 0).all()


def test_a_stranger_is_scored_as_a_user_with_that_history():
    model = EASE(regularization=5).fit(TASTES)
    history = TASTES.items.decode(TASTES.histories(np.array([4])).item)
    np.testing.assert_array_equal(model.score(histories=[history]), model.score(TASTES.users.decode([4])))


def test_the_smaller_side_is_inverted():
    assert EASE().fit(dataset(ratings(1, n_users=3, n_items=40))).weight_II is None
    assert EASE().fit(dataset(ratings(1, n_users=40, n_items=8))).weight_II is not None


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_threads_change_no_bit(solver):
    states = [EASE(solver=solver, regularization=2).fit(TASTES, run=Run(n_threads=n)).state() for n in (1, 3)]
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


def test_too_little_memory_is_said_before_it_is_taken():
    data = dataset(ratings(1, n_users=500, n_items=100))
    with pytest.raises(
        InvalidValue,
        match=r"EASE's memory must be at most 1e-05 GB\. Got 0.00012 GB for 100 items and 500 users\. Use",
    ):
        EASE(max_memory_gb=1e-5).fit(data, run=Run(n_threads=1))  # 100² floats, and two stripes to invert
    few = dataset(ratings(1, n_users=3, n_items=1000))
    with pytest.raises(InvalidValue, match=r"0.00605 GB for 1,000 items .* Use solver='dual'"):
        EASE(max_memory_gb=1e-3, solver="primal").fit(few, run=Run(n_threads=1))
    EASE(max_memory_gb=1e-3).fit(few)


def test_what_cannot_be_inverted_names_the_cure():
    twins_UI = np.repeat(ratings(2, n_users=30, n_items=4, density=0.9), 3, axis=1)
    with pytest.raises(
        InvalidValue, match="regularization must be large enough to invert in float32. .* Raise it"
    ):
        EASE(regularization=1e-12, solver="primal").fit(dataset(twins_UI))


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_one_user_or_one_item(shape, solver):
    model = EASE(solver=solver, regularization=1).fit(dataset(np.full(shape, 4.0)))
    assert np.isfinite(model.score([0])).all()
