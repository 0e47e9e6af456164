"""Ranking metrics against plain loops, RecTools' numbers, hand-worked answers and invariants."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsmith.evaluation.metrics import (
    MAP,
    MRR,
    NDCG,
    Catalogue,
    Coverage,
    Diversity,
    Gini,
    HitRate,
    LongTail,
    Novelty,
    Precision,
    RankedLists,
    Recall,
    RecallCapped,
    parse_metric,
)
from recsmith.evaluation.metrics.base import HEAD_SHARE

GOLDEN = json.loads((Path(__file__).parents[2] / "oracles" / "metrics.json").read_text())
ACCURACY = ("NDCG", "HitRate", "Recall", "RecallCapped", "Precision", "F1", "MRR", "MAP")


def block(lists, relevant, n_items, *, holders=None, n_users=1, vectors=None):
    """A block from Python lists; short lists are padded with -1."""
    width = max((len(items) for items in lists), default=0)
    item_BK = np.full((len(lists), width), -1, np.int32)
    for row, items in enumerate(lists):
        item_BK[row, : len(items)] = items
    indptr = np.concatenate([[0], np.cumsum([len(set(items)) for items in relevant])])
    indices = np.array([item for items in relevant for item in sorted(set(items))], np.int32)
    matrix = sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(lists), n_items))
    counts = np.zeros(n_items, np.int64) if holders is None else np.asarray(holders, np.int64)
    return RankedLists.of(item_BK, matrix, Catalogue(counts, n_users, vectors))


def plainly(name, k, items, relevant):
    """The definitions of the design, one user at a time, in loops."""
    if not relevant:
        return math.nan
    top = items[:k]
    found = [item for item in top if item in relevant]
    if name == "Recall":
        return len(found) / len(relevant)
    if name == "RecallCapped":
        return len(found) / min(k, len(relevant))
    if name == "Precision":
        return len(found) / k
    if name == "F1":
        precision, recall = len(found) / k, len(found) / len(relevant)
        return 2 * precision * recall / (precision + recall) if found else 0.0
    if name == "HitRate":
        return 1.0 if found else 0.0
    if name == "MRR":
        return next((1 / rank for rank, item in enumerate(top, 1) if item in relevant), 0.0)
    if name == "NDCG":
        gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(top, 1) if item in relevant)
        return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    total, hits = 0.0, 0
    for rank, item in enumerate(top, 1):
        if item in relevant:
            hits += 1
            total += hits / rank
    return total / min(k, len(relevant))


@st.composite
def worlds(draw):
    n_items = draw(st.integers(1, 12))
    items = st.permutations(range(n_items))
    n_users = draw(st.integers(1, 5))
    lists = [draw(items)[: draw(st.integers(0, n_items))] for _ in range(n_users)]
    relevant = [sorted(draw(st.sets(st.integers(0, n_items - 1)))) for _ in range(n_users)]
    return lists, relevant, n_items, draw(st.integers(1, 15))


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_accuracy_metrics_equal_the_loops_and_stay_between_0_and_1(world):
    lists, relevant, n_items, k = world
    made = block(lists, relevant, n_items)
    for name in ACCURACY:
        value_B = parse_metric(f"{name}@{k}").per_user(made)
        expected = [plainly(name, k, items, held) for items, held in zip(lists, relevant)]
        np.testing.assert_allclose(value_B, expected, atol=1e-12, err_msg=name)
        known = value_B[np.isfinite(value_B)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()


@given(worlds(), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_users_is_no_matter(world, random):
    lists, relevant, n_items, k = world
    order = list(range(len(lists)))
    random.shuffle(order)
    there = block(lists, relevant, n_items)
    shuffled = block([lists[i] for i in order], [relevant[i] for i in order], n_items)
    for name in (*ACCURACY, "Novelty", "LongTail"):
        metric = parse_metric(f"{name}@{k}")
        np.testing.assert_allclose(metric.per_user(there)[order], metric.per_user(shuffled), atol=1e-15)


@pytest.mark.parametrize("name", [name for name in GOLDEN["per_user"] if not name.startswith("Novelty")])
def test_accuracy_metrics_equal_rectools(name):
    made = block(GOLDEN["lists"], GOLDEN["relevant"], GOLDEN["n_items"])
    np.testing.assert_allclose(parse_metric(name).per_user(made), GOLDEN["per_user"][name], atol=1e-10)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_novelty_equals_rectools_mean_inverse_user_frequency(k):
    holders = np.bincount([i for items in GOLDEN["train"] for i in set(items)], minlength=GOLDEN["n_items"])
    made = block(GOLDEN["lists"], GOLDEN["relevant"], 60, holders=holders, n_users=len(GOLDEN["train"]))
    np.testing.assert_allclose(Novelty(k).per_user(made), GOLDEN["per_user"][f"Novelty@{k}"], atol=1e-10)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_ndcg_equals_scikit_learn_and_coverage_rectools(k):
    made = block(GOLDEN["lists"], GOLDEN["relevant"], 60)
    assert NDCG(k).per_user(made).mean() == pytest.approx(GOLDEN["figures"][f"NDCG@{k}"], abs=1e-10)
    count_I = np.bincount(made.item_BK[:, :k].ravel(), minlength=60)
    assert Coverage(k).value(count_I) == pytest.approx(GOLDEN["figures"][f"Coverage@{k}"])


def test_a_list_worked_by_hand():
    made = block([[4, 1, 2, 3]], [[1, 3, 9]], 10)
    assert Recall(4).per_user(made)[0] == pytest.approx(2 / 3)
    assert RecallCapped(2).per_user(made)[0] == pytest.approx(1 / 2)
    assert Precision(4).per_user(made)[0] == pytest.approx(2 / 4)
    assert HitRate(1).per_user(made)[0] == 0
    assert MRR(4).per_user(made)[0] == pytest.approx(1 / 2)
    assert MAP(4).per_user(made)[0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert NDCG(4).per_user(made)[0] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_the_python_recsys_examples():
    # Its decision example: 3 of 4 named, 4 wanted; with a fifth wrong name the precision falls to .6.
    made = block([[0, 9, 3, 1], [0, 9, 3, 1, 8]], [[0, 1, 2, 3], [0, 1, 2, 3]], 10)
    at_5 = [parse_metric(f"{name}@5").per_user(made)[1] for name in ("F1", "Precision", "Recall")]
    f1, precision, recall = at_5
    assert (precision, recall, round(f1, 6)) == (0.6, 0.75, 0.666667)
    assert parse_metric("F1@4").per_user(made)[0] == 0.75
    # Reciprocal rank of the second is 1/2. Its average precision divides by the hits found: .583 for this
    # list; ours, by min(k, |relevant|), is 2/3 of that.
    assert MRR(4).per_user(block([[0, 1, 2, 3]], [[1]], 4))[0] == 0.5
    assert MAP(3).per_user(block([[9, 3, 5]], [[1, 2, 3, 4, 5]], 10))[0] == pytest.approx(0.5833333 * 2 / 3)


def test_a_user_with_nothing_relevant_is_left_out():
    made = block([[0, 1], [1, 0]], [[], [1]], 3)
    for name in ACCURACY:
        value_B = parse_metric(f"{name}@2").per_user(made)
        assert np.isnan(value_B[0])
        assert value_B[1] > 0


def test_k_larger_than_the_catalogue():
    made = block([[2, 0, 1]], [[0, 1]], 3)
    assert Recall(50).per_user(made)[0] == 1
    assert Precision(50).per_user(made)[0] == pytest.approx(2 / 50)
    assert NDCG(50).per_user(made)[0] == pytest.approx((1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)))


def test_an_empty_block_and_a_block_of_empty_lists():
    for name in (*ACCURACY, "Novelty", "LongTail"):
        assert len(parse_metric(f"{name}@3").per_user(block([], [], 3))) == 0
    nothing = block([[]], [[1]], 3, vectors=sparse.eye_array(3).tocsr())
    assert NDCG(3).per_user(nothing)[0] == 0
    assert np.isnan(Novelty(3).per_user(nothing)[0])
    assert np.isnan(Diversity(3).per_user(nothing)[0])


def test_novelty_is_self_information_in_bits():
    made = block([[0, 1], [2]], [[], []], 4, holders=[8, 2, 0, 1], n_users=8)
    # −log2(8/8) = 0, −log2(2/8) = 2; nobody has item 2, which counts as one user: −log2(1/8) = 3.
    np.testing.assert_allclose(Novelty(2).per_user(made), [1.0, 3.0])


def test_the_long_tail_is_what_lies_outside_four_fifths_of_the_interactions():
    assert HEAD_SHARE == 0.8
    made = block([[0, 1, 2, 3]], [[]], 4, holders=[50, 30, 15, 5], n_users=100)
    assert LongTail(4).per_user(made)[0] == 0.5


def test_diversity_equals_a_loop_over_pairs():
    rng = np.random.default_rng(3)
    vectors_IF = rng.random((9, 5)) * (rng.random((9, 5)) < 0.6)
    vectors_IF[4] = 0  # an item without features
    lists = [rng.permutation(9)[:n].tolist() for n in (6, 3, 2, 1)]
    made = block(lists, [[]] * 4, 9, vectors=sparse.csr_matrix(vectors_IF))
    expected = []
    for items in lists:
        pairs = [
            a @ b / (np.linalg.norm(a) * np.linalg.norm(b) or 1.0)
            for x, a in enumerate(vectors_IF[items]) for y, b in enumerate(vectors_IF[items]) if x < y
        ]  # fmt: skip
        expected.append(1 - np.mean(pairs) if pairs else np.nan)
    np.testing.assert_allclose(Diversity(6).per_user(made), expected, atol=1e-12)


def test_diversity_of_like_and_of_unlike_items():
    vectors = sparse.csr_matrix(np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 0.0], [0.0, 1.0]]))
    made = block([[0, 1], [2, 3]], [[], []], 4, vectors=vectors)
    np.testing.assert_allclose(Diversity(2).per_user(made), [0.0, 1.0], atol=1e-12)


def test_gini_of_even_and_of_single_lists():
    assert Gini(5).value(np.array([3, 3, 3, 3])) == pytest.approx(0)
    assert Gini(5).value(np.array([0, 0, 0, 12])) == pytest.approx(0.75)  # (n − 1) / n
    assert np.isnan(Gini(5).value(np.zeros(4, np.int64)))
    counts = np.random.default_rng(1).integers(0, 9, 20)
    mean_difference = np.abs(counts[:, None] - counts[None, :]).mean()
    assert Gini(5).value(counts) == pytest.approx(mean_difference / (2 * counts.mean()))


def test_coverage_counts_the_whole_catalogue():
    assert Coverage(2).value(np.array([5, 0, 1, 0])) == 0.5
    assert Coverage(2).value(np.zeros(0, np.int64)) == 0
