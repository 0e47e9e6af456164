"""Older events count less: by hand, in scores and in reasons; and candidates damped by popularity."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.data import Histories
from recsmith.errors import InvalidValue
from recsmith.models import EASE, GFCF, IALS, SLIM, ItemKNN, PureSVD, RP3beta, UserKNN
from recsmith.models.recency import recency
from recsmith.testing import check_recommender, toy

FOUR = toy.ratings(toy.FOUR_PEOPLE)
TASTES = toy.tastes()
LINEAR = {
    "ItemKNN": lambda **more: ItemKNN(interest="binary", n_neighbours=10, **more),
    "RP3beta": lambda **more: RP3beta(n_neighbours=10, **more),
    "SLIM": lambda **more: SLIM(l1_regularization=0.3, l2_regularization=3.0, **more),
    "EASE": lambda **more: EASE(regularization=10.0, solver="primal", **more),
    "EASE, dual": lambda **more: EASE(regularization=10.0, solver="dual", **more),
    "GFCF": lambda **more: GFCF(embedding_dim=5, form="matrix", **more),
    "GFCF, factors": lambda **more: GFCF(embedding_dim=5, form="factors", **more),
    "PureSVD": lambda **more: PureSVD(embedding_dim=5, weighting="binary", normalize="both", **more),
}
OTHERS = {
    "UserKNN": lambda **more: UserKNN(**more),
    "EASE, weights": lambda **more: EASE(regularization=10.0, weighting="weight", **more),
    "PureSVD, centred": lambda **more: PureSVD(embedding_dim=5, mean_center=True, min_values=11, **more),
    "IALS": lambda **more: IALS(embedding_dim=5, n_epochs=3, **more),
}
EVERY = LINEAR | OTHERS


def test_half_for_each_half_life_and_the_last_time_counts():
    item = np.array([2, 0, 2, 1, 1], np.int32)  # an empty row between
    histories = Histories(np.array([0, 4, 4, 5]), item, np.ones(5, np.float32), np.arange(3, dtype=np.int32))
    matrix = histories.matrix(3)
    assert matrix.indices.tolist() == [0, 1, 2, 1]
    assert recency(histories, matrix, 2.0) == pytest.approx([0.5**1.0, 1.0, 0.5**0.5, 1.0])
    assert recency(histories, matrix, None).tolist() == [1, 1, 1, 1]
    some = matrix[:, :]
    some.data, some.indices, some.indptr = some.data[1:3], some.indices[1:3], np.array([0, 2, 2, 2])
    assert recency(histories, some, 2.0) == pytest.approx([1.0, 0.5**0.5])
    some.data, some.indices, some.indptr = some.data[:0], some.indices[:0], np.zeros(4, int)
    assert recency(histories, some, 2.0).tolist() == []


def test_item_scores_by_hand():
    model = ItemKNN(history_half_life=1.0).fit(FOUR)
    # A took m1 (2), m3 (4), m5 (3) in this order: they count 1/4, 1/2, 1.
    expected = [4 * 0.5 * 0.5, (2 / 4 + 4 / 2 + 3) / np.sqrt(6)]
    assert model.score(["A"], ["m2", "m4"])[0] == pytest.approx(expected)


def test_user_scores_by_hand():
    model = UserKNN(history_half_life=1.0, popularity_damping=1.0, interest="binary").fit(FOUR)
    # A shares m3 (1/2) with C and m1 (1/4) and m5 (1) with D, who took three items each.
    assert model.score(["A"], ["m2", "m4"])[0] == pytest.approx([0.5 / 3, 0.5 / 3 + 1.25 / 3])


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_model_adds_up_what_single_items_say_by_their_age(name):
    plain = LINEAR[name]().fit(TASTES)
    items = TASTES.items.decode(np.array([3, 8, 3, 21, 16]))
    alone_LI = plain.score(histories=[[item] for item in items[1:]])
    age_L = np.array([3, 2, 1, 0])  # the first is taken again later
    expected_I = (0.5 ** (age_L / 1.5))[:, None] * np.where(np.isfinite(alone_LI), alone_LI, 0)
    found_I = LINEAR[name](history_half_life=1.5).fit(TASTES).score(histories=[items])[0]
    np.testing.assert_array_equal(np.isfinite(found_I), np.isfinite(alone_LI).any(0))
    there = np.isfinite(found_I)
    np.testing.assert_allclose(found_I[there], expected_I.sum(0)[there], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_learnt_is_the_same(name):
    plain, fading = (EVERY[name](**more).fit(TASTES).state() for more in ({}, {"history_half_life": 2.0}))
    fading.pop("recent_UD", None)
    assert set(plain) == set(fading)
    for array in plain:
        np.testing.assert_array_equal(fading[array], plain[array], err_msg=array)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_half_life_is_a_number_above_0(name, value):
    with pytest.raises(InvalidValue, match=r"\w+\.history_half_life must be "):
        EVERY[name](history_half_life=value)


@pytest.mark.parametrize("name", EVERY)
def test_a_half_life_so_short_that_only_the_last_counts(name):
    model = EVERY[name](history_half_life=1e-3).fit(TASTES)
    a, b, c = TASTES.items.decode(np.array([3, 8, 21]))
    first, second, other = model.score(histories=[[a, b, c], [b, a, c], [c, b, a]])
    assert not np.isnan(first).any()
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)
    assert not np.allclose(first, other, rtol=1e-2)


def test_order_matters_only_with_a_half_life():
    forth, back = ["m1", "m3", "m5"], ["m5", "m3", "m1"]
    for make in (ItemKNN, UserKNN):
        plain = make().fit(FOUR)
        np.testing.assert_array_equal(plain.score(histories=[forth]), plain.score(histories=[back]))
        fading = make(history_half_life=1.0).fit(FOUR)
        m2 = fading.score(histories=[["m3", "m5"], ["m5", "m3"]], item_ids=["m2"])[:, 0]
        assert m2[0] < m2[1]


@pytest.mark.parametrize("make", [ItemKNN, UserKNN])
@pytest.mark.parametrize("interest", ["weight", "binary"])
def test_reasons_of_neighbours_add_up_with_repeats(make, interest):
    model = make(history_half_life=2.0, interest=interest).fit(FOUR)
    history = ["m3", "m5", "m3", "m1"]
    told = model.explain(None, "m4", history=history)
    assert told.score == pytest.approx(model.score(histories=[history], item_ids=["m4"])[0, 0])
    assert {reason.item_id for reason in told.because} == {"m1", "m3", "m5"}


def test_candidates_that_many_took_can_be_damped():
    plain, damped = UserKNN().fit(FOUR), UserKNN(candidate_damping=0.5).fit(FOUR)
    items = ["m2", "m4"]
    assert damped.score(["A"], items)[0] == pytest.approx(plain.score(["A"], items)[0] / np.sqrt([2, 3]))
    assert damped.explain("A", "m4").score == pytest.approx(damped.score(["A"], ["m4"])[0, 0])


@pytest.mark.parametrize("similarity", ["pearson", "adjusted_cosine"])
def test_correlations_have_no_half_life(similarity):
    with pytest.raises(
        InvalidValue, match=r"UserKNN\.similarity must be a cosine or 'jaccard' with history_hal"
    ):
        UserKNN(similarity=similarity, history_half_life=5)


@pytest.mark.parametrize("name", EVERY)
def test_reasons_add_up_with_repeats(name):
    model = EVERY[name](history_half_life=2.0).fit(TASTES)
    history = TASTES.items.decode(np.array([3, 8, 3, 21, 16]))
    for item in TASTES.items.decode(np.array([0, 7, 25])):
        told = model.explain(None, item, history=history)
        score = model.score(histories=[history], item_ids=[item])[0, 0]
        assert np.isneginf(score) or told.score == pytest.approx(score, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_contract(name):
    check_recommender(lambda: EVERY[name](history_half_life=5.0))


def test_contract_with_damped_candidates():
    check_recommender(lambda: UserKNN(candidate_damping=0.3, amplification=3.0, popularity_damping=0.7))
