"""UserKNN: scores and ratings by formula, strangers as known people, reasons, edges, and the contract."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.config import Run
from recsmith.data import Dataset
from recsmith.models import UserKNN, load
from recsmith.testing import check_recommender, toy

FOUR = toy.ratings(toy.FOUR_PEOPLE)
SIMILARITIES = ("cosine", "weighted_cosine", "jaccard", "pearson", "adjusted_cosine")


def dense(data: Dataset) -> np.ndarray:
    matrix = np.full((data.n_users, data.n_items), np.nan)
    matrix[data.interactions.user, data.interactions.item] = data.interactions.weight
    return matrix


def by_formula(x_I: np.ndarray, y_I: np.ndarray, mean_I: np.ndarray, kind: str) -> float:
    both = ~np.isnan(x_I) & ~np.isnan(y_I)
    n_x, n_y = (~np.isnan(x_I)).sum(), (~np.isnan(y_I)).sum()
    x, y = x_I[both], y_I[both]
    match kind:
        case "cosine":
            return both.sum() / np.sqrt(n_x * n_y)
        case "weighted_cosine":
            return (x * y).sum() / np.sqrt(np.nansum(x_I**2) * np.nansum(y_I**2))
        case "jaccard":
            return both.sum() / (n_x + n_y - both.sum())
        case "pearson":
            return 0.0 if len(x) < 2 or min(x.std(), y.std()) < 1e-9 else float(np.corrcoef(x, y)[0, 1])
        case "adjusted_cosine":
            x, y = x - mean_I[both], y - mean_I[both]
            power = np.sqrt((x**2).sum() * (y**2).sum())
            return float((x * y).sum() / power) if power > 1e-9 else 0.0
    raise AssertionError(kind)


def similarities(ratings_UI: np.ndarray, x_I: np.ndarray, kind: str) -> np.ndarray:
    """Similarity of a history to each person; 0 for those who have nothing that it lacks."""
    has_UI = ~np.isnan(ratings_UI)
    mean_I = np.nansum(ratings_UI, axis=0) / np.maximum(has_UI.sum(axis=0), 1)
    more_U = (has_UI & np.isnan(x_I)).any(axis=1)
    return np.array([max(0.0, by_formula(x_I, y_I, mean_I, kind)) for y_I in ratings_UI]) * more_U


def test_the_worked_example():
    # A shares m3 with C (1/3) and m1, m5 with D (2/3); with B nothing.
    model = UserKNN().fit(FOUR)
    lists = model.recommend(["A"])
    assert lists.item_ids == (("m4", "m2"),)
    assert lists.scores[0] == pytest.approx([4 / 3 + 2 * 2 / 3, 3 / 3])
    nearest = UserKNN(n_neighbours=1, interest="binary").fit(FOUR)
    assert nearest.recommend(["A"]).scores[0] == pytest.approx([2 / 3])


@pytest.mark.parametrize("kind", SIMILARITIES)
@pytest.mark.parametrize("n_neighbours", [5, 1000])
def test_scores_are_the_formula(kind, n_neighbours):
    data = toy.tastes()
    ratings_UI = dense(data)
    model = UserKNN(similarity=kind, n_neighbours=n_neighbours).fit(data)
    found_BI = model._score(data.histories(np.arange(15)))
    for user in range(15):
        near_U = similarities(ratings_UI, ratings_UI[user], kind).astype(np.float32)
        kept = sorted(np.flatnonzero(near_U > 0), key=lambda v: (-near_U[v], v))[:n_neighbours]
        if len(kept) == n_neighbours and kind in ("pearson", "adjusted_cosine", "weighted_cosine"):
            after = np.sort(near_U)[::-1][n_neighbours : n_neighbours + 1]
            if len(after) and np.isclose(after[0], near_U[kept[-1]], rtol=1e-5):
                continue  # a tie within rounding may fall either way
        expected_I = near_U[kept] @ np.nan_to_num(ratings_UI[kept])
        np.testing.assert_allclose(
            np.where(found_BI[user] == -np.inf, 0, found_BI[user]), expected_I, rtol=1e-4
        )


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_known_and_new_people_with_the_same_history_get_the_same_scores(kind):
    data = toy.tastes()
    model = UserKNN(similarity=kind, n_neighbours=7).fit(data)
    histories = data.histories()
    np.testing.assert_array_equal(model._score(histories), model._score(histories.as_strangers()))
    rows, items = np.arange(20), np.arange(20, dtype=np.int32)
    np.testing.assert_array_equal(
        model.predict_codes(histories, rows, items),
        model.predict_codes(histories.as_strangers(), rows, items),
    )


def test_people_with_nothing_to_add_take_no_place():
    table = {"A": {"x": 5.0, "y": 5.0}, "B": {"x": 5.0}, "C": {"x": 5.0, "y": 5.0, "z": 5.0, "w": 5.0}}
    model = UserKNN(n_neighbours=1).fit(toy.ratings(table))
    assert model.recommend(["A"]).item_ids == (("w", "z"),)
    assert model.recommend(histories=[["x", "y"]]).item_ids == (("w", "z"),)


@pytest.mark.parametrize("kind", ["cosine", "pearson"])
@pytest.mark.parametrize("centring", ["both", "item", "user", "none"])
def test_predicted_ratings_are_the_formula(kind, centring):
    data = toy.tastes()
    ratings_UI = dense(data)
    has = ~np.isnan(ratings_UI)
    model = UserKNN(similarity=kind, n_neighbours=3, centring=centring, mean_damping=2.0, clip=False).fit(
        data
    )
    mu = np.nanmean(ratings_UI)
    item = np.nansum(ratings_UI - mu, axis=0) / (has.sum(axis=0) + 2) * (centring in ("both", "item"))
    user = np.nansum(ratings_UI - mu - item, axis=1) / (has.sum(axis=1) + 2) * (centring in ("both", "user"))
    base = mu + item + user[:, None]
    off = np.zeros_like(base) if centring == "none" else base
    n_checked = 0
    for u in range(8):
        near_U = similarities(ratings_UI, ratings_UI[u], kind)
        for i in np.flatnonzero(~has[u]):
            able = [v for v in np.flatnonzero(has[:, i]) if near_U[v] > 1e-9]
            kept = sorted(able, key=lambda v: (-np.float32(near_U[v]), v))[:3]
            found = model.predict_codes(data.histories(), np.array([u]), np.array([i], np.int32))[0]
            if not kept:
                assert found == pytest.approx(base[u, i], abs=1e-4)
                continue
            cut = np.sort(near_U[able])[::-1]
            if len(cut) > 3 and np.isclose(cut[2], cut[3]):
                continue
            expected = off[u, i] + np.average((ratings_UI - off)[kept, i], weights=near_U[kept])
            assert found == pytest.approx(expected, abs=1e-3)
            n_checked += 1
    assert n_checked > 30


def test_predict_takes_pairs_in_any_order_and_repeated():
    data = toy.tastes()
    model = UserKNN().fit(data)
    once = model.predict([3, 1, 2], ["i009", "i001", "i005"])
    again = model.predict([1, 3, 2, 3], ["i001", "i009", "i005", "i009"])
    assert again.tolist() == [once[1], once[0], once[2], once[0]]


@pytest.mark.parametrize("kind", SIMILARITIES)
@pytest.mark.parametrize(
    "config",
    [{}, {"inverse_frequency": True, "shrinkage": 2.0, "amplification": 1.7}, {"interest": "binary"}],
)
def test_reasons_add_up_to_the_score(kind, config):
    data = toy.tastes()
    model = UserKNN(similarity=kind, n_neighbours=10, **config).fit(data)
    for user in (1, 2, 3):
        lists = model.recommend([user], k=5)
        told = model.explain_list(user, lists.item_ids[0])
        assert [one.score for one in told] == pytest.approx(lists.scores[0], rel=1e-4)


def test_reasons_of_a_repeated_item_are_shared_between_its_events():
    model = UserKNN().fit(FOUR)
    once = model.explain(None, "m4", history={"m3": 8.0, "m5": 3.0})
    twice = model.explain(None, "m4", history=["m3", "m3", "m5"])
    assert once.score == pytest.approx(twice.score)
    assert [reason.item_id for reason in twice.because].count("m3") == 2


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
@pytest.mark.parametrize("similarity", ["cosine", "weighted_cosine"])
def test_weightings_of_strangers_use_what_training_learnt(weighting, similarity):
    data = toy.tastes()
    model = UserKNN(weighting=weighting, similarity=similarity, inverse_frequency=True).fit(data)
    one, all_of_them = model._score(data.histories(np.array([4]))), model._score(data.histories())
    np.testing.assert_array_equal(one[0], all_of_them[4])


def test_threads_and_loading_change_nothing(tmp_path):
    data = toy.tastes()
    model = UserKNN().fit(data, run=Run(n_threads=2))
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.recommend(list(range(1, 61)), run=Run(n_threads=2)) == model.recommend(list(range(1, 61)))


def test_more_neighbours_than_people_is_all_of_them():
    data = toy.tastes()
    few, many = UserKNN(n_neighbours=60).fit(data), UserKNN(n_neighbours=10**12).fit(data)
    np.testing.assert_array_equal(few._score(data.histories()), many._score(data.histories()))
    assert few.predict([1], ["i009"]) == many.predict([1], ["i009"])


def test_fitting_again_forgets_the_old_people():
    model = UserKNN().fit(toy.tastes())
    model.recommend([1])
    assert model.fit(FOUR).recommend(["A"]).item_ids == (("m4", "m2"),)


def test_one_user_only_and_one_item_only():
    alone = UserKNN().fit(toy.ratings({"A": {"m1": 5.0, "m2": 3.0}}))
    assert alone.recommend(["A"]).item_ids == ((),)
    assert alone.recommend(histories=[["m1"]]).item_ids == (("m2",),)
    single = UserKNN().fit(toy.ratings({"A": {"m1": 5.0}, "B": {"m1": 3.0}}))
    assert single.recommend(["A"]).item_ids == ((),)
    assert np.isfinite(single.predict(["A"], ["m1"])).all()


def test_weights_of_zero_are_presence_without_interest():
    zeros = {user: dict.fromkeys(row, 0.0) for user, row in toy.FOUR_PEOPLE.items()}
    model = UserKNN().fit(toy.ratings(zeros))
    assert model.score(["A"], ["m4"])[0, 0] == 0.0


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"similarity": "jaccard", "inverse_frequency": True},
        {"similarity": "adjusted_cosine"},
        {"similarity": "weighted_cosine", "weighting": "tfidf"},
        {"weighting": "bm25", "popularity_damping": 0.7, "n_neighbours": 5},
    ],
)
def test_contract(config):
    check_recommender(lambda: UserKNN(**config))


def test_pearson_needs_ratings_that_differ():
    """A stranger's bare list has no correlation with anybody: no evidence, so no list; ratings have."""
    data = toy.tastes()
    model = UserKNN(similarity="pearson").fit(data)
    row = data.histories(np.array([0]))
    items = data.items.decode(row.item)
    assert model.recommend(histories=[items]).item_ids == ((),)
    rated = dict(zip(items, row.weight.tolist(), strict=True))
    assert len(model.recommend(histories=[rated], k=5).item_ids[0]) == 5
