"""RP3beta: a walk by hand, the walk as matrix products, what is kept, reasons, edges, and the contract."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith import Run
from recsmith.errors import InvalidValue
from recsmith.models import RP3beta
from recsmith.testing import check_recommender, toy

FOUR = toy.ratings(toy.FOUR_PEOPLE)


def test_a_walk_by_hand():
    # m1 was taken by A (m1, m3, m5) and D (m1, m4, m5): 1/2 to each, then 1/3 to each of their items.
    model = RP3beta(alpha=1.0, beta=0.0, equal_votes=False).fit(FOUR)
    assert model.score(histories=[["m1"]], item_ids=["m3", "m4", "m5"])[0] == pytest.approx(
        [1 / 6, 1 / 6, 1 / 3]
    )
    model = RP3beta(alpha=1.0, beta=1.0, equal_votes=False).fit(FOUR)
    assert model.score(histories=[["m1"]], item_ids=["m3", "m4", "m5"])[0] == pytest.approx(
        [1 / 12, 1 / 18, 1 / 6]
    )


@pytest.mark.parametrize("weighting", ["binary", "weight"])
@pytest.mark.parametrize("neighbours_of", ["candidate", "seen"])
@pytest.mark.parametrize("equal_votes", [False, True])
@pytest.mark.parametrize(
    ("alpha", "beta", "activity"), [(1.0, 0.0, None), (0.6, 0.4, None), (1.4, 1.0, None), (0.6, 0.4, 0.9)]
)
def test_weights_are_products_of_steps(weighting, neighbours_of, equal_votes, alpha, beta, activity):
    data = toy.tastes()
    x_UI = (data.matrix() if weighting == "weight" else data.binary()).toarray().astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_item_UI = np.nan_to_num(x_UI**alpha / x_UI.sum(1, keepdims=True) ** (activity or alpha))
        to_user_IU = np.nan_to_num(x_UI.T / x_UI.sum(0)[:, None]) ** alpha
        walk_II = np.nan_to_num(to_user_IU @ to_item_UI / x_UI.sum(0) ** beta, posinf=0)
    np.fill_diagonal(walk_II, 0)
    if equal_votes:
        walk_II /= np.maximum(walk_II.sum(1, keepdims=True), 1e-30)
    model = RP3beta(
        alpha=alpha,
        beta=beta,
        activity_exponent=activity,
        n_neighbours=1000,
        weighting=weighting,
        neighbours_of=neighbours_of,
        equal_votes=equal_votes,
    ).fit(data)
    np.testing.assert_allclose(model.weight_SI.toarray(), walk_II, rtol=1e-5, atol=1e-8)
    found = model._score(data.histories())
    np.testing.assert_allclose(np.where(np.isneginf(found), 0, found), x_UI**alpha @ walk_II, rtol=1e-4)


def test_the_largest_weights_are_kept():
    data = toy.tastes()
    whole = RP3beta(n_neighbours=1000, equal_votes=False).fit(data).weight_SI.toarray()
    into = RP3beta(n_neighbours=3, equal_votes=False).fit(data).weight_SI.toarray()
    out = RP3beta(n_neighbours=3, equal_votes=False, neighbours_of="seen").fit(data).weight_SI.toarray()
    for i in range(38):
        assert sorted(into[:, i])[-3:] == sorted(whole[:, i])[-3:] and (into[:, i] > 0).sum() == 3
        assert sorted(out[i])[-3:] == sorted(whole[i])[-3:] and (out[i] > 0).sum() == 3


def test_a_larger_beta_recommends_rarer_items():
    data = toy.tastes(n_users=40, seed=3)
    taken = data.binary().sum(0).A1
    means = []
    for beta in (0.0, 1.0):
        lists = RP3beta(beta=beta).fit(data).recommend(data.users.ids.to_list(), k=5, exclude_seen=False)
        means.append(np.mean([taken[data.items.encode(items)].mean() for items in lists.item_ids]))
    assert means[1] < means[0]


def test_reasons_add_up_to_the_score():
    data = toy.tastes()
    model = RP3beta(weighting="weight").fit(data)
    for user in (1, 2, 3):
        lists = model.recommend([user], k=5)
        told = model.explain_list(user, lists.item_ids[0])
        assert [one.score for one in told] == pytest.approx(lists.scores[0], rel=1e-5)


def test_threads_change_no_bit():
    data = toy.tastes(n_users=100, n_items=200)
    one, other = (RP3beta().fit(data, run=Run(n_threads=n)).state() for n in (1, 3))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_negative_weights_are_refused():
    data = toy.ratings({"A": {"m1": -1.0, "m2": 3.0}})
    with pytest.raises(InvalidValue, match=r"weight must be 0 or more for RP3beta\. Got -1\.0\."):
        RP3beta(weighting="weight").fit(data)


def test_one_user_or_one_item():
    assert RP3beta().fit(toy.ratings({"A": {"m1": 5.0, "m2": 3.0}})).recommend(
        histories=[["m1"]]
    ).item_ids == (("m2",),)
    assert RP3beta().fit(toy.ratings({"A": {"m1": 5.0}, "B": {"m1": 3.0}})).recommend(["A"]).item_ids == ((),)


@pytest.mark.parametrize(
    "config", [{}, {"weighting": "weight", "alpha": 1.0}, {"neighbours_of": "seen", "n_neighbours": 5}]
)
def test_contract(config):
    check_recommender(lambda: RP3beta(**config))
