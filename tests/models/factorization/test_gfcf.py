"""GFCF: the formula in both forms, the checkerboard, threads, reasons, memory named in time, edges."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import assert_same_state, dataset, ratings
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith import Run
from recsmith.errors import InvalidValue
from recsmith.models import GFCF
from recsmith.models.factorization import gfcf
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()


@pytest.mark.parametrize("form", ["matrix", "factors"])
def test_contract(form):
    check_recommender(lambda: GFCF(embedding_dim=5, form=form))


@pytest.mark.parametrize("form", ["matrix", "factors"])
def test_checkerboard(form):
    model = GFCF(embedding_dim=2, form=form).fit(toy.checkerboard(20))
    assert [items[0] for items in model.recommend(range(20), k=1).item_ids] == list(range(20))
    assert {line.item_id % 2 for line in model.similar_items(4, k=9)} == {0}


def by_formula(taken_UI, *, n_dims, low_pass, a, b):
    """Σ over the paper's P̃ = R̃ᵀR̃ and ideal low-pass filter, by numpy.linalg.svd."""
    users_I = np.maximum(taken_UI.sum(0), 1)
    graph_UI = np.maximum(taken_UI.sum(1, keepdims=True), 1) ** -a * taken_UI * users_I**-b
    _, singular_D, right_DI = np.linalg.svd(graph_UI, full_matrices=False)
    low_II = (
        users_I[:, None] ** -b
        * (right_DI[:n_dims].T @ right_DI[:n_dims])
        * (users_I * (taken_UI.sum(0) > 0)) ** b
    )
    return graph_UI.T @ graph_UI / singular_D[0] ** 2 + low_pass * low_II


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 1000),
    form=st.sampled_from(["matrix", "factors"]),
    a=st.sampled_from([0.5, 0.3]),
    b=st.sampled_from([0.5, 0.0, 0.8]),
    low_pass=st.sampled_from([0.0, 0.3, 2.0]),
)
def test_it_is_the_formula(seed, form, a, b, low_pass):
    matrix_UI = ratings(seed, n_users=15)
    taken_UI = (~np.isnan(matrix_UI)).astype(float)
    model = GFCF(embedding_dim=3, form=form, user_exponent=a, item_exponent=b, low_pass=low_pass).fit(
        dataset(matrix_UI)
    )
    filter_II = by_formula(taken_UI, n_dims=3, low_pass=low_pass, a=a, b=b)
    np.testing.assert_allclose(model.score(range(15)), taken_UI @ filter_II, rtol=1e-4, atol=1e-4)
    base_K, part_LK = model._contributions(model.memory.histories.block(0, 1), np.arange(9, dtype=np.int32))
    np.testing.assert_allclose(part_LK, filter_II[model.memory.histories.block(0, 1).item], atol=1e-5)
    assert (base_K == 0).all()


def test_with_the_papers_exponents_the_largest_singular_value_is_one():
    model = GFCF(embedding_dim=3, form="factors", user_exponent=0.5, item_exponent=0.5).fit(TASTES)
    assert np.linalg.svd(model.graph_UI.toarray(), compute_uv=False)[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("form", ["matrix", "factors"])
def test_threads_change_no_bit(form, monkeypatch):
    monkeypatch.setattr(gfcf, "_ROWS", 16)
    data = dataset(ratings(1, n_users=60, n_items=90))
    one, other = (GFCF(embedding_dim=8, form=form).fit(data, run=Run(n_threads=n)) for n in (1, 3))
    assert_same_state(one, other)


def test_people_are_scored_in_blocks_of_bounded_memory(monkeypatch):
    model = GFCF(embedding_dim=4, form="factors").fit(TASTES)
    whole_BI = model._score(TASTES.histories())
    monkeypatch.setattr(gfcf, "_BLOCK_BYTES", 12 * TASTES.n_users * 7)
    np.testing.assert_array_equal(model._score(TASTES.histories()), whole_BI)


def test_a_large_catalogue_makes_no_matrix(monkeypatch):
    monkeypatch.setattr(gfcf, "_MOST_TABLE_GB", 4 * 40**2 / 1e9 - 1e-9)
    assert GFCF(embedding_dim=4).fit(TASTES).filter_II is None
    monkeypatch.setattr(gfcf, "_MOST_TABLE_GB", 4 * 40**2 / 1e9)
    assert GFCF(embedding_dim=4).fit(TASTES).graph_UI is None


def test_a_log_that_is_sparse_beside_its_matrix_is_kept_itself(monkeypatch):
    monkeypatch.setattr(gfcf, "_MOST_ENTRIES", 40**2 / TASTES.binary().nnz - 1e-9)
    sparse_one = GFCF(embedding_dim=4).fit(TASTES)
    assert sparse_one.filter_II is None
    monkeypatch.setattr(gfcf, "_MOST_ENTRIES", 40**2 / TASTES.binary().nnz + 1e-9)
    dense_one = GFCF(embedding_dim=4).fit(TASTES)
    assert dense_one.graph_UI is None
    np.testing.assert_allclose(
        sparse_one._score(TASTES.histories()), dense_one._score(TASTES.histories()), rtol=1e-4, atol=1e-6
    )


def test_too_little_memory_is_said_before_it_is_taken():
    data = dataset(ratings(1, n_users=5, n_items=1000))
    with pytest.raises(
        InvalidValue,
        match=r"memory must be at most 0\.001 GB\. Got 0\.004 GB for a matrix of 1,000 items × items\. Set",
    ):
        GFCF(max_memory_gb=1e-3, form="matrix").fit(data)
    GFCF(max_memory_gb=1e-3, form="factors").fit(data)


@pytest.mark.parametrize("form", ["matrix", "factors"])
@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape, form):
    model = GFCF(form=form).fit(dataset(np.full(shape, 4.0)))
    assert np.isfinite(model.score([0])).all()
