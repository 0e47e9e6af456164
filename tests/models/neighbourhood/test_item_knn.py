"""ItemKNN: the worked example, formulas, ratings, reasons, edges, and the contract."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.models import ItemKNN
from recsmith.testing import check_recommender, toy

FOUR = toy.ratings(toy.FOUR_PEOPLE)


def similarity(model: ItemKNN, a: str, b: str) -> float:
    found = {line.item_id: line.score for line in model.similar_items(a, k=100)}
    return found.get(b, 0.0)


def test_the_worked_example():
    model = ItemKNN().fit(FOUR)
    assert similarity(model, "m1", "m3") == 0.5
    lists = model.recommend(["A"])
    assert lists.item_ids == (("m4", "m2"),)
    assert lists.scores[0] == pytest.approx([(2 + 4 + 3) / np.sqrt(6), 4 * 0.5])  # 3.67 and 2.00


def test_the_worked_example_when_only_m3_and_m5_count():
    # 7 / sqrt(6) = 2.858; with the similarity rounded to .41, as by hand, 2.87.
    model = ItemKNN().fit(FOUR)
    assert model.score(histories=[{"m3": 4, "m5": 3}], item_ids=["m2", "m4"])[0] == pytest.approx(
        [2.0, 7 / np.sqrt(6)]
    )
    assert 7 * round(1 / np.sqrt(6), 2) == pytest.approx(2.87)


def test_three_neighbours_of_the_candidate_are_the_first_of_a_tie():
    # m4's neighbours are m2 (2/√6), then m1, m3 and m5, all 1/√6: the two with the lower codes are kept.
    model = ItemKNN(n_neighbours=3).fit(FOUR)
    assert model.score(["A"], ["m4"])[0, 0] == pytest.approx((2 + 4) / np.sqrt(6))
    backwards = Vocabulary(["m5", "m4", "m3", "m2", "m1"])
    events = Interactions.from_arrays(
        FOUR.interactions.user, 4 - FOUR.interactions.item, FOUR.interactions.weight, FOUR.interactions.time
    )
    turned = ItemKNN(n_neighbours=3).fit(Dataset(events, FOUR.users, backwards, feedback="ratings"))
    assert turned.score(["A"], ["m4"])[0, 0] == pytest.approx((4 + 3) / np.sqrt(6))  # m3 and m5 only


def test_neighbours_of_what_was_seen():
    # m1 votes for m5, m3, m4; m3 for m1, m2, m5 (a tie at 1/2, m4 is fourth); m5 for m1, m3, m4.
    model = ItemKNN(n_neighbours=3, neighbours_of="seen").fit(FOUR)
    assert model.score(["A"], ["m2", "m4"])[0] == pytest.approx([2.0, (2 + 3) / np.sqrt(6)])


def dense(data: Dataset) -> np.ndarray:
    matrix = np.full((data.n_users, data.n_items), np.nan)
    matrix[data.interactions.user, data.interactions.item] = data.interactions.weight
    return matrix


def by_formula(ratings_UI: np.ndarray, i: int, j: int, kind: str) -> float:
    has_i, has_j = ~np.isnan(ratings_UI[:, i]), ~np.isnan(ratings_UI[:, j])
    both = has_i & has_j
    x, y = ratings_UI[both, i], ratings_UI[both, j]
    match kind:
        case "cosine":
            return both.sum() / np.sqrt(has_i.sum() * has_j.sum())
        case "jaccard":
            return both.sum() / (has_i | has_j).sum()
        case "weighted_cosine":
            return (x * y).sum() / np.sqrt(
                np.nansum(ratings_UI[:, i] ** 2) * np.nansum(ratings_UI[:, j] ** 2)
            )
        case "pearson":
            if len(x) < 2 or x.std() < 1e-9 or y.std() < 1e-9:
                return 0.0
            return float(np.corrcoef(x, y)[0, 1])
        case "adjusted_cosine":
            centred = ratings_UI - np.nanmean(ratings_UI, axis=1, keepdims=True)
            x, y = centred[both, i], centred[both, j]
            power = np.sqrt((x**2).sum() * (y**2).sum())
            return float((x * y).sum() / power) if power > 1e-9 else 0.0
        case "inverse_frequency":
            shared = 1 / np.log1p((~np.isnan(ratings_UI)).sum(axis=1)[both])
            return shared.sum() / np.sqrt(has_i.sum() * has_j.sum())
        case "shrinkage":
            cosine = both.sum() / np.sqrt(has_i.sum() * has_j.sum())
            return cosine * both.sum() / (both.sum() + 10)
        case "popularity_damping":  # i is the candidate
            return both.sum() / (has_i.sum() ** 0.8 * has_j.sum() ** 0.2)
        case "amplification":
            return (both.sum() / np.sqrt(has_i.sum() * has_j.sum())) ** 2.5
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("cosine", {}),
        ("jaccard", {"similarity": "jaccard"}),
        ("weighted_cosine", {"similarity": "weighted_cosine"}),
        ("pearson", {"similarity": "pearson"}),
        ("adjusted_cosine", {"similarity": "adjusted_cosine"}),
        ("inverse_frequency", {"inverse_frequency": True}),
        ("shrinkage", {"shrinkage": 10.0}),
        ("popularity_damping", {"popularity_damping": 0.8}),
        ("amplification", {"amplification": 2.5}),
    ],
)
@pytest.mark.parametrize("neighbours_of", ["candidate", "seen"])
def test_similarities_are_the_formulas(kind, config, neighbours_of):
    data = toy.tastes()
    ratings_UI = dense(data)
    model = ItemKNN(n_neighbours=1000, neighbours_of=neighbours_of, **config).fit(data)
    found_SI = model.similarity_SI.toarray()
    expected_SI = np.zeros_like(found_SI)
    for seen in range(data.n_items):
        for candidate in range(data.n_items):
            if seen != candidate and (~np.isnan(ratings_UI[:, [seen, candidate]])).any(axis=0).all():
                expected_SI[seen, candidate] = max(0.0, by_formula(ratings_UI, candidate, seen, kind))
    np.testing.assert_allclose(found_SI, expected_SI, atol=2e-6)


def test_weighting_is_the_cosine_of_weighted_rows():
    data = toy.tastes()
    model = ItemKNN(n_neighbours=1000, similarity="weighted_cosine", weighting="bm25", bm25_b=0.4).fit(data)
    ratings_IU = np.nan_to_num(dense(data)).T
    length = ratings_IU.sum(axis=1, keepdims=True)
    idf = np.log((1 + data.n_items) / (1 + (ratings_IU > 0).sum(axis=0))) + 1
    weighted = ratings_IU * 2.2 / (ratings_IU + 1.2 * (0.6 + 0.4 * length / length.mean())) * idf
    norm = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit = weighted / np.where(norm > 0, norm, 1)
    expected = unit @ unit.T
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.similarity_SI.toarray(), expected, atol=2e-6)


def test_min_common():
    model = ItemKNN(min_common=2).fit(FOUR)
    assert similarity(model, "m1", "m5") == 1.0
    assert similarity(model, "m1", "m3") == 0.0


def test_binary_interest_counts_a_repeated_item_once():
    model = ItemKNN(interest="binary").fit(FOUR)
    assert model.score(["A"], ["m4"])[0, 0] == pytest.approx(3 / np.sqrt(6))
    twice = model.score(histories=[["m3", "m3", "m5"]], item_ids=["m4"])
    assert twice[0, 0] == pytest.approx(2 / np.sqrt(6))
    told = model.explain(None, "m4", history=["m3", "m3", "m5"])
    assert told.score == pytest.approx(2 / np.sqrt(6))


@pytest.mark.parametrize("centring", ["both", "item", "user", "none"])
def test_predicted_ratings_are_the_formula(centring):
    data = toy.tastes()
    model = ItemKNN(n_neighbours=6, centring=centring, mean_damping=3.0, clip=False).fit(data)
    ratings_UI, s_SI = dense(data), model.similarity_SI.toarray().astype(float)
    has = ~np.isnan(ratings_UI)
    mu = np.nanmean(ratings_UI)
    item = np.nansum(ratings_UI - mu, axis=0) / (has.sum(axis=0) + 3) * (centring in ("both", "item"))
    user = np.nansum(ratings_UI - mu - item, axis=1) / (has.sum(axis=1) + 3) * (centring in ("both", "user"))
    base = mu + item + user[:, None]
    off = np.zeros_like(base) if centring == "none" else base
    residual = np.where(has, ratings_UI - off, 0)
    weight = has @ s_SI
    with np.errstate(invalid="ignore"):
        expected = np.where(weight > 0, off + residual @ s_SI / weight, base)
    rows, items = np.meshgrid(np.arange(12), np.arange(data.n_items), indexing="ij")
    found = model.predict_codes(data.histories(), rows.ravel(), items.ravel().astype(np.int32))
    np.testing.assert_allclose(found, expected[:12].ravel(), atol=1e-4)


def test_predictions_stay_on_the_scale():
    model = ItemKNN(centring="both", mean_damping=0.0).fit(FOUR)
    assert (
        model.predict(["A", "B", "C", "D"] * 5, [f"m{i}" for i in range(1, 6) for _ in range(4)]).max() <= 5
    )


@pytest.mark.parametrize(
    "config", [{}, {"interest": "binary"}, {"neighbours_of": "seen"}, {"shrinkage": 3.0}]
)
def test_reasons_add_up_to_the_score(config):
    data = toy.tastes()
    model = ItemKNN(n_neighbours=10, **config).fit(data)
    for user in (1, 2, 3):
        lists = model.recommend([user], k=5)
        told = model.explain_list(user, lists.item_ids[0])
        assert [one.score for one in told] == pytest.approx(lists.scores[0], rel=1e-5)


def test_known_and_new_people_with_the_same_history_get_the_same_scores():
    model = ItemKNN().fit(FOUR)
    histories = [toy.FOUR_PEOPLE[user] for user in "ABCD"]
    np.testing.assert_array_equal(model.score(list("ABCD")), model.score(histories=histories))


def test_weights_of_zero_are_presence_without_interest():
    zeros = {user: dict.fromkeys(row, 0.0) for user, row in toy.FOUR_PEOPLE.items()}
    model = ItemKNN().fit(toy.ratings(zeros))
    assert similarity(model, "m1", "m3") == 0.5
    assert model.score(["A"], ["m4"])[0, 0] == 0.0
    assert ItemKNN(similarity="weighted_cosine").fit(toy.ratings(zeros)).recommend(["A"]).item_ids == ((),)


def test_one_user_only():
    model = ItemKNN().fit(toy.ratings({"A": {"m1": 5.0, "m2": 3.0}}))
    assert model.recommend(["A"]).item_ids == ((),)
    assert model.recommend(histories=[["m1"]]).item_ids == (("m2",),)


def test_one_item_only():
    model = ItemKNN().fit(toy.ratings({"A": {"m1": 5.0}, "B": {"m1": 3.0}}))
    assert model.recommend(["A"]).item_ids == ((),)
    assert model.similar_items("m1") == ()
    assert model.predict(["A"], ["m1"]) == pytest.approx([4.0], abs=1.0)


def test_more_neighbours_than_items_is_all_of_them():
    few, many = ItemKNN(n_neighbours=4).fit(FOUR), ItemKNN(n_neighbours=10**9).fit(FOUR)
    np.testing.assert_array_equal(few.similarity_SI.toarray(), many.similarity_SI.toarray())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=25, unique=True))
def test_small_logs_score_as_the_sum_says(pairs):
    user, item = np.array(pairs).T
    data = Dataset(Interactions.from_arrays(user, item), Vocabulary(range(5)), Vocabulary(range(6)))
    model = ItemKNN(n_neighbours=10).fit(data)
    ratings_UI = dense(data)
    has = (~np.isnan(ratings_UI)).astype(float)
    norm = np.sqrt(has.sum(axis=0))
    norm[norm == 0] = 1
    cosine = has.T @ has / np.outer(norm, norm)
    np.fill_diagonal(cosine, 0)
    found = model._score(data.histories())
    np.testing.assert_allclose(np.where(found == -np.inf, 0, found), has @ cosine, atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_neighbours": 0}, r"ItemKNN\.n_neighbours must be greater than or equal to 1\. Got 0\."),
        ({"n_neighbors": 5}, "Did you mean 'n_neighbours'?"),
        ({"similarity": "cosin"}, r"ItemKNN\.similarity must be 'cosine', 'weighted_cosine'"),
        (
            {"similarity": "pearson", "weighting": "bm25"},
            r"ItemKNN\.weighting must be 'none' with similarity 'pearson'\. Got 'bm25'\.",
        ),
        (
            {"similarity": "jaccard", "popularity_damping": 0.7},
            r"ItemKNN\.popularity_damping must be 0\.5 with similarity 'jaccard'\. Got 0\.7\.",
        ),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(InvalidValue, match=message):
        ItemKNN(**wrong)


def test_bm25_refuses_negative_weights():
    data = toy.ratings({"A": {"m1": -1.0, "m2": 3.0}})
    with pytest.raises(InvalidValue, match=r"weights must be 0 or more with weighting 'bm25'\. Got -1\.0\."):
        ItemKNN(similarity="weighted_cosine", weighting="bm25").fit(data)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"similarity": "jaccard", "inverse_frequency": True},
        {"similarity": "pearson"},
        {"similarity": "adjusted_cosine"},
        {"similarity": "weighted_cosine", "weighting": "tfidf", "neighbours_of": "seen"},
        {"weighting": "bm25", "popularity_damping": 0.7, "n_neighbours": 5},
    ],
)
def test_contract(config):
    check_recommender(lambda: ItemKNN(**config))
