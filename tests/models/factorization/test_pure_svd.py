"""PureSVD: numpy's SVD, centring undone exactly, normalisations undone, minimum values, neighbours, edges."""

from __future__ import annotations

import numpy as np
import pytest
from factor_checks import assert_same_state, dataset, ratings
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith import Run
from recsmith.errors import InvalidValue
from recsmith.models import PureSVD
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()
NORMALIZE = [None, "users", "items", "both", "tfidf"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mean_center": True, "normalize": "tfidf", "min_values": 2},
        {"weighting": "binary", "normalize": "both", "similarity": "dot"},
        {"prediction": "neighbours"},
    ],
)
def test_contract(options):
    check_recommender(lambda: PureSVD(embedding_dim=5, **options))


def test_it_is_numpys_truncated_svd():
    matrix_UI = ratings(1, n_users=60, n_items=40)
    model = PureSVD(embedding_dim=4).fit(dataset(matrix_UI))
    u, s, v = np.linalg.svd(np.nan_to_num(matrix_UI), full_matrices=False)
    np.testing.assert_allclose(model.singular_D, s[:4], rtol=1e-5)
    np.testing.assert_allclose(model.score(range(60)), (u[:, :4] * s[:4]) @ v[:4], atol=1e-4)
    user_BD, item_ID = model.user_vectors(range(60)), model.item_vectors()
    np.testing.assert_allclose(user_BD @ item_ID.T, model.score(range(60)), atol=1e-4)
    np.testing.assert_allclose(np.abs(user_BD), np.abs(u[:, :4]), atol=1e-4)
    rows_ID = v[:4].T * s[:4]
    unit_ID = rows_ID / np.linalg.norm(rows_ID, axis=1, keepdims=True)
    found = {line.item_id: line.score for line in model.similar_items(7, k=39)}
    assert found[3] == pytest.approx(unit_ID[7] @ unit_ID[3], abs=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    mean_center=st.booleans(),
    normalize=st.sampled_from(NORMALIZE),
    n_users=st.integers(1, 12),
)
def test_at_full_rank_every_stored_rating_comes_back(seed, mean_center, normalize, n_users):
    matrix_UI = ratings(seed, n_users=n_users)
    model = PureSVD(embedding_dim=99, mean_center=mean_center, normalize=normalize).fit(dataset(matrix_UI))
    user, item = np.nonzero(~np.isnan(matrix_UI))
    stored = matrix_UI[user, item]
    np.testing.assert_allclose(model.predict(user.tolist(), item.tolist()), stored, atol=2e-3)
    np.testing.assert_allclose(model.score(range(n_users))[user, item], stored, atol=2e-3)


def test_centring_by_hand():
    """An entry is reduced by μ + (r n_u + c n_i) / (n_u + n_i)."""
    matrix_UI = np.array([[5, 3, np.nan], [1, np.nan, 2.0]])
    model = PureSVD(mean_center=True).fit(dataset(matrix_UI))
    mu = 11 / 4
    r0, c2 = 4 - mu, 2 - mu
    assert model._centring.shift(np.float32(r0), np.float32(2), 2) == pytest.approx(
        mu + (r0 * 2 + c2 * 1) / 3
    )
    reduced_UI = np.zeros((2, 3))
    for u, i in zip(*np.nonzero(~np.isnan(matrix_UI)), strict=True):
        r, c = np.nanmean(matrix_UI[u]) - mu, np.nanmean(matrix_UI[:, i]) - mu
        n_u, n_i = (~np.isnan(matrix_UI[u])).sum(), (~np.isnan(matrix_UI[:, i])).sum()
        reduced_UI[u, i] = matrix_UI[u, i] - (mu + (r * n_u + c * n_i) / (n_u + n_i))
    np.testing.assert_allclose(model.singular_D, np.linalg.svd(reduced_UI)[1], atol=1e-5)


def test_reasons_add_up_with_the_means_as_base():
    model = PureSVD(embedding_dim=3, mean_center=True, normalize="items").fit(TASTES)
    row = TASTES.histories(np.array([2]))
    base_K, part_LK = model._contributions(row, np.arange(38, dtype=np.int32))
    np.testing.assert_allclose(base_K + part_LK.sum(0), model._score(row)[0, :38], atol=1e-4)
    assert base_K.std() > 0


def test_minimum_values_are_one_pass_over_the_counts():
    matrix_UI = np.array(
        [[5, 4, np.nan, 3], [3, 2, np.nan, np.nan], [np.nan, 1, 4, np.nan], [np.nan, np.nan, np.nan, 2.0]]
    )
    # Counts: users 3, 2, 2, 1; items 2, 3, 1, 2. User 3 and item 2 go; user 2 keeps one entry and stays.
    model = PureSVD(min_values=2).fit(dataset(matrix_UI))
    assert model.kept_I.tolist() == [True, True, False, True]
    left_UI = np.nan_to_num(matrix_UI[:3])
    left_UI[:, 2] = 0
    np.testing.assert_allclose(model.singular_D, np.linalg.svd(left_UI)[1][:3], atol=1e-5)
    assert 2 not in model.recommend([0], k=4, exclude_seen=False).item_ids[0]
    assert np.isfinite(model.predict([0, 3], [2, 0])).all()


def test_prediction_by_neighbours_is_the_weighted_mean():
    matrix_UI = ratings(4, n_users=20)
    model = PureSVD(embedding_dim=3, prediction="neighbours", n_neighbours=2).fit(dataset(matrix_UI))
    for u, i in ((0, 0), (3, 5), (7, 2)):
        similar = {line.item_id: line.score for line in model.similar_items(i, k=8)}
        rated = sorted(
            (j for j in np.flatnonzero(~np.isnan(matrix_UI[u])) if j != i), key=lambda j: -similar[j]
        )
        near = [j for j in rated[:2] if similar[j] > 0]
        expected = sum(similar[j] * matrix_UI[u, j] for j in near) / sum(similar[j] for j in near)
        assert model.predict([u], [i])[0] == pytest.approx(expected, abs=1e-4)


def test_more_dimensions_than_the_matrix_has_are_clipped():
    model = PureSVD(embedding_dim=500).fit(dataset(ratings(1, n_users=7, n_items=9)))
    assert model.item_vectors().shape == (9, 7)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
@pytest.mark.parametrize("mean_center", [False, True])
def test_one_user_or_one_item(shape, mean_center):
    model = PureSVD(mean_center=mean_center).fit(dataset(np.full(shape, 4.0)))
    assert model.predict([0], [0])[0] == pytest.approx(4, abs=1e-4)


@pytest.mark.parametrize("mean_center", [False, True])
def test_a_stranger_is_scored_as_a_user_with_that_history(mean_center):
    model = PureSVD(embedding_dim=5, mean_center=mean_center, normalize="both").fit(TASTES)
    row = TASTES.histories(np.array([4]))
    history = dict(zip(TASTES.items.decode(row.item), row.weight.tolist(), strict=True))
    np.testing.assert_array_equal(model.score(histories=[history]), model.score(TASTES.users.decode([4])))


def test_directions_beyond_the_rank_are_left_out():
    model = PureSVD(embedding_dim=3).fit(dataset(np.outer([1.0, 2, 3, 4], [1.0, 2, 1])))
    assert model.singular_D[0] > 0 and (model.singular_D[1:] == 0).all()
    np.testing.assert_allclose(model.score(histories=[{0: 1.0}]), [[1 / 6, 2 / 6, 1 / 6]], atol=1e-5)


@pytest.mark.parametrize("shape", [(90, 70), (70, 90)])
@pytest.mark.parametrize("normalize", [None, "both"])
def test_few_values_of_a_large_side_are_those_of_the_dense_decomposition(shape, normalize):
    """By products with the log: neither side is short beside the three values."""
    matrix_UI = ratings(6, n_users=shape[0], n_items=shape[1])
    model = PureSVD(embedding_dim=3, normalize=normalize).fit(dataset(matrix_UI))
    dense_UI = np.nan_to_num(matrix_UI)
    if normalize:
        lengths = [np.sqrt(np.linalg.norm(dense_UI, axis=axis, keepdims=True)) for axis in (0, 1)]
        dense_UI = dense_UI / lengths[0] / lengths[1]
    _, expected_D, right_DI = np.linalg.svd(dense_UI, full_matrices=False)
    np.testing.assert_allclose(model.singular_D, expected_D[:3], rtol=1e-6)
    signs_D = np.sign(np.einsum("id,di->d", model.item_ID, right_DI[:3]))
    np.testing.assert_allclose(model.item_ID, right_DI[:3].T * signs_D, atol=2e-6)


@pytest.mark.parametrize("shape", [(90, 70), (70, 90)])
def test_values_too_small_for_float32_are_found_too(shape):
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 6)))[0] for n in shape)
    matrix_UI = (left @ np.diag(10.0 ** -np.arange(6)) @ right.T).astype(np.float32)
    model = PureSVD(embedding_dim=6).fit(dataset(matrix_UI))
    np.testing.assert_allclose(model.singular_D, 10.0 ** -np.arange(6), rtol=1e-2)
    np.testing.assert_allclose(model.item_ID.T @ model.item_ID, np.eye(6), atol=1e-6)


@pytest.mark.parametrize("n_dims", [4, 40])
def test_threads_change_no_bit(n_dims):
    data = dataset(ratings(3, n_users=150, n_items=120))
    one, other = (PureSVD(embedding_dim=n_dims).fit(data, run=Run(n_threads=n)) for n in (1, 4))
    assert_same_state(one, other)


def test_centring_ones_is_refused():
    with pytest.raises(InvalidValue, match="must be weighting='weight' with mean_center"):
        PureSVD(mean_center=True, weighting="binary")


@pytest.mark.parametrize("shape", [(400, 30), (30, 400)])
def test_more_values_than_half_of_a_side_are_those_of_the_dense_decomposition(shape):
    """Whichever side is short, all come out of a square as small as it: nothing is as large as the matrix."""
    matrix_UI = ratings(4, n_users=shape[0], n_items=shape[1])
    dense_UI = np.nan_to_num(matrix_UI)
    _, expected_D, right_DI = np.linalg.svd(dense_UI, full_matrices=False)
    for n_dims in (16, 30):
        model = PureSVD(embedding_dim=n_dims).fit(dataset(matrix_UI))
        np.testing.assert_allclose(model.singular_D, expected_D[:n_dims], rtol=1e-5)
        expected_UI = dense_UI @ right_DI[:n_dims].T @ right_DI[:n_dims]
        np.testing.assert_allclose(model.score(range(shape[0])), expected_UI, atol=2e-4)


def test_directions_are_orthogonal_down_to_the_least_that_counts():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 12)))[0] for n in (12, 90))
    matrix_UI = left @ np.diag(10.0 ** -np.arange(12)) @ right.T
    model = PureSVD(embedding_dim=12).fit(dataset(matrix_UI.astype(np.float32)))
    vector_ID = model.item_ID[:, model.singular_D > 0].astype(np.float64)
    assert 5 <= vector_ID.shape[1] <= 7
    np.testing.assert_allclose(vector_ID.T @ vector_ID, np.eye(vector_ID.shape[1]), atol=1e-6)
