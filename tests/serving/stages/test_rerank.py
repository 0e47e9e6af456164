"""Re-ranking: each greedy rule against a plain second one, and what each must do."""

import numpy as np
import pytest

from recsmith.serving.stages.rerank import divergence, dpp, mmr, relevance, shares


def kernel(n, seed, dim=4):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, dim))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rng.random(n), np.clip(unit @ unit.T, 0, 1)


def mmr_plain(quality, alike, k, diversity):
    chosen = []
    for _ in range(k):
        values = {
            i: (1 - diversity) * quality[i] - diversity * max((alike[i, j] for j in chosen), default=0)
            for i in range(len(quality))
            if i not in chosen
        }
        chosen.append(max(values, key=lambda i: (values[i], -i)))
    return chosen


def dpp_plain(quality, alike, k, diversity):
    q = np.exp((1 - diversity) / (2 * diversity) * (quality - quality.max()))
    whole = q[:, None] * (alike * 0.99 + 0.01 * np.eye(len(q))) * q[None, :]
    chosen = []
    for _ in range(k):
        gains = {}
        for i in range(len(q)):
            if i not in chosen:
                some = [*chosen, i]
                gains[i] = np.linalg.det(whole[np.ix_(some, some)])
        chosen.append(max(gains, key=lambda i: (gains[i], -i)))
    return chosen


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.9])
def test_mmr_is_its_definition(seed, diversity):
    quality, alike = kernel(12, seed)
    assert mmr(quality, alike, 6, diversity).tolist() == mmr_plain(quality, alike, 6, diversity)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("diversity", [0.3, 0.6, 0.9])
def test_dpp_takes_what_raises_the_determinant_most(seed, diversity):
    quality, alike = kernel(9, seed, dim=9)
    assert dpp(quality, alike, 4, diversity).tolist() == dpp_plain(quality, alike, 4, diversity)


def test_no_diversity_is_the_order_of_the_scores():
    quality, alike = kernel(20, 1)
    order = np.argsort(-quality, kind="stable")[:8].tolist()
    assert mmr(quality, alike, 8, 0.0).tolist() == order


def test_two_twins_do_not_follow_each_other():
    quality = np.array([1.0, 0.99, 0.5])
    alike = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]])
    assert mmr(quality, alike, 2, 0.5).tolist() == [0, 2]
    assert dpp(quality, alike, 2, 0.8).tolist() == [0, 2]
    assert sorted(dpp(quality, alike, 3, 0.8).tolist()) == [0, 1, 2]


def test_shares_count_an_item_once():
    assert shares([("a", "b"), ("a",), ()]) == {"a": 0.75, "b": 0.25}
    assert shares([()]) == {}


def test_divergence_is_none_for_equal_shares():
    assert divergence({"a": 0.5, "b": 0.5}, {"a": 1.0, "b": 1.0}) == pytest.approx(0.0, abs=1e-12)
    assert divergence({"a": 1.0}, {"b": 1.0}) == pytest.approx(np.log(1 / 0.01))
    assert divergence({"a": 1.0}, {}) == pytest.approx(np.log(1 / 0.01))


def test_relevance_is_between_none_and_all():
    assert relevance(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]
    assert relevance(np.array([2.0, 2.0])).tolist() == [1.0, 1.0]
    assert relevance(np.zeros(0)).tolist() == []
