"""Sampled candidates: what is drawn, how ties go, and that the warning is there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.errors import InvalidValue
from recsmith.evaluation import Negatives, evaluate, sample_negatives
from recsmith.evaluation.candidates import WARNING, candidate_rows, rank


@pytest.mark.parametrize("n_negatives", [3, 15, 25, 99])
def test_negatives_are_neither_seen_nor_in_the_test_and_never_twice(make, n_negatives):
    split, _ = make.random_split()
    drawn = sample_negatives(split, n_negatives=n_negatives, seed=5)
    visible, held = split.visible(), split.relevant()
    assert len(drawn) == len(visible)
    for row in range(len(drawn)):
        mine = drawn.item[drawn.indptr[row] : drawn.indptr[row + 1]].tolist()
        taken = {*visible.block(row, row + 1).item.tolist(), *held[[row]].indices.tolist()}
        assert len(mine) == len(set(mine)) == min(n_negatives, split.train.n_items - len(taken))
        assert not taken & set(mine)


def test_negatives_are_uniform_and_seeded(make):
    split = make.split_of([(u, 0, 1, 0) for u in range(3000)], [(u, 1, 1, 1) for u in range(3000)], 3000, 200)
    drawn = sample_negatives(split, n_negatives=2, seed=1)
    counts = np.bincount(drawn.item, minlength=200)
    assert counts[:2].tolist() == [0, 0]
    assert counts[2:].min() > 10
    assert counts[2:].max() < 60  # 30 each on average
    np.testing.assert_array_equal(drawn.item, sample_negatives(split, n_negatives=2, seed=1).item)
    assert (drawn.item != sample_negatives(split, n_negatives=2, seed=2).item).any()


def test_candidates_stand_once_each_with_the_relevant_ones_marked():
    negatives = Negatives.of(np.array([[3, 7, 7], [5, 2, 9]]), rule="by hand")
    code_BN, relevant_BN = candidate_rows(negatives, np.array([0, 1, 3]), np.array([7, 1, 5]), 0, 2)
    assert code_BN.tolist() == [[3, 7, -1, -1], [1, 2, 5, 9]]
    assert relevant_BN.tolist() == [[False, True, False, False], [True, False, True, False]]


def rank_plainly(codes, scores, relevant, k):
    able = [j for j in range(len(codes)) if codes[j] >= 0 and scores[j] > -np.inf]
    return [codes[j] for j in sorted(able, key=lambda j: (-scores[j], relevant[j], codes[j]))[:k]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_ranking_candidates_equals_sorting_them(seed, width, k):
    rng = np.random.default_rng(seed)
    code_BN = np.sort(np.stack([rng.permutation(20)[:width] for _ in range(4)]), axis=1).astype(np.int32)
    code_BN[rng.random(code_BN.shape) < 0.1] = -1
    score_BN = rng.choice([-np.inf, 0.0, 0.5, 1.0], code_BN.shape)
    relevant_BN = rng.random(code_BN.shape) < 0.3
    found = rank(code_BN, score_BN, relevant_BN, k)
    assert found.shape == (4, min(k, width))
    for row in range(4):
        expected = rank_plainly(code_BN[row], score_BN[row], relevant_BN[row], k)
        assert found[row].tolist() == expected + [-1] * (found.shape[1] - len(expected))


@pytest.mark.parametrize("score", [0.0, -np.inf, np.nan])
def test_a_model_that_cannot_tell_candidates_apart_gains_nothing(make, score):
    split, score_UI = make.random_split()
    drawn = sample_negatives(split, n_negatives=15)
    model = make.fixed(split, np.full_like(score_UI, score))
    assert evaluate(model, split, metrics=["HitRate@10"], candidates=drawn)["HitRate@10"].value == 0


def test_the_warning_and_the_rule_are_on_the_evaluation(make):
    split, score_UI = make.random_split()
    drawn = sample_negatives(split, n_negatives=15, seed=9)
    found = evaluate(make.fixed(split, score_UI), split, metrics=["HitRate@5"], candidates=drawn)
    assert WARNING in found.notes
    assert found.protocol == (
        "Relevant items ranked among sampled candidates: 15 negatives a user, uniform over items neither "
        "seen nor in the test (seed 9)."
    )
    full = evaluate(make.fixed(split, score_UI), split, metrics=["HitRate@5"])
    assert WARNING not in full.notes
    assert full.fingerprint != found.fingerprint
    assert full["HitRate@5"].value < found["HitRate@5"].value


def test_all_other_items_as_candidates_is_full_ranking(make):
    split, score_UI = make.random_split()
    model = make.fixed(split, score_UI)
    everything = sample_negatives(split, n_negatives=10_000)
    names = ["NDCG@10", "Recall@5", "MRR@10", "Coverage@5"]
    sampled = evaluate(model, split, metrics=names, candidates=everything)
    assert sampled.to_dict() == evaluate(model, split, metrics=names).to_dict()


def test_what_is_refused(make):
    split, score_UI = make.random_split()
    with pytest.raises(InvalidValue, match="n_negatives must be 1 or more. Got 0"):
        sample_negatives(split, n_negatives=0)
    with pytest.raises(InvalidValue, match="one for each test user. Got 2"):
        short = Negatives.of(np.zeros((2, 3), int), rule="short")
        evaluate(make.fixed(split, score_UI), split, candidates=short)
