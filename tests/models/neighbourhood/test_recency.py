"""Older events count less: by hand, in scores and in reasons; and candidates damped by popularity."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.data import Histories
from recsmith.errors import InvalidValue
from recsmith.models import ItemKNN, UserKNN
from recsmith.models.neighbourhood.recency import recency
from recsmith.testing import check_recommender, toy

FOUR = toy.ratings(toy.FOUR_PEOPLE)


def test_half_for_each_half_life_and_the_last_time_counts():
    item = np.array([2, 0, 2, 1, 1], np.int32)  # an empty row between
    histories = Histories(np.array([0, 4, 4, 5]), item, np.ones(5, np.float32), np.arange(3, dtype=np.int32))
    matrix = histories.matrix(3)
    assert matrix.indices.tolist() == [0, 1, 2, 1]
    assert recency(histories, matrix, 2.0) == pytest.approx([0.5**1.0, 1.0, 0.5**0.5, 1.0])
    assert recency(histories, matrix, None).tolist() == [1, 1, 1, 1]


def test_item_scores_by_hand():
    model = ItemKNN(history_half_life=1.0).fit(FOUR)
    # A took m1 (2), m3 (4), m5 (3) in this order: they count 1/4, 1/2, 1.
    expected = [4 * 0.5 * 0.5, (2 / 4 + 4 / 2 + 3) / np.sqrt(6)]
    assert model.score(["A"], ["m2", "m4"])[0] == pytest.approx(expected)


def test_user_scores_by_hand():
    model = UserKNN(history_half_life=1.0, popularity_damping=1.0, interest="binary").fit(FOUR)
    # A shares m3 (1/2) with C and m1 (1/4) and m5 (1) with D, who took three items each.
    assert model.score(["A"], ["m2", "m4"])[0] == pytest.approx([0.5 / 3, 0.5 / 3 + 1.25 / 3])


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
def test_reasons_add_up_with_repeats(make, interest):
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
    with pytest.raises(InvalidValue, match=r"UserKNN\.history_half_life must be left out with similarity"):
        UserKNN(similarity=similarity, history_half_life=5)


@pytest.mark.parametrize("make", [ItemKNN, UserKNN])
def test_contract(make):
    check_recommender(lambda: make(history_half_life=5.0))


def test_contract_with_damped_candidates():
    check_recommender(lambda: UserKNN(candidate_damping=0.3, amplification=3.0, popularity_damping=0.7))
