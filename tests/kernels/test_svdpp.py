"""SVD++'s steps: the paper's loop, a step by hand, people without ratings, and orders that are drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.svdpp import shuffled_rows, svdpp_people, svdpp_people_plain


def tables(seed: int, dtype=np.float32, *, n_users=5, n_items=7, n_dims=3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [(n_users,), (n_items,), (n_users, n_dims), (n_items, n_dims), (n_items, n_dims)]
    return [rng.normal(0, 0.3, shape).astype(np.float32).astype(dtype) for shape in shapes]


def log(seed: int, *, n_users=5, n_items=7):
    """Draws ratings by person, some items twice, and each person's distinct items."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, n_items, rng.integers(0, 9)).astype(np.int32) for _ in range(n_users)]
    taken = [np.unique(row).astype(np.int32) for row in rows]
    indptr, taken_indptr = (np.cumsum([0, *map(len, each)]).astype(np.int64) for each in (rows, taken))
    item = np.concatenate(rows)
    return indptr, item, rng.integers(1, 6, len(item)).astype(np.float32), taken_indptr, np.concatenate(taken)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), n_dims=st.integers(1, 9), decay=st.sampled_from([0.0, 0.02, 0.5]))
def test_fast_and_plain_agree(seed, n_dims, decay):
    """Moving all vectors of a person at once, when their ratings are done, is the paper's loop exactly."""
    people = np.random.default_rng(seed).permutation(5)
    fast, plain = tables(seed, n_dims=n_dims), tables(seed, np.float64, n_dims=n_dims)
    one = svdpp_people(people, *log(seed), 3.0, *fast, 0.05, 0.1, decay)
    other = svdpp_people_plain(people, *log(seed), 3.0, *plain, 0.05, 0.1, decay)
    assert one == pytest.approx(other, rel=1e-4)
    for mine, theirs in zip(fast, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=2e-5)


def test_one_step_by_hand():
    # r = 5, μ = 3, p = 1, q = .5, y = (.2, .6) of two items taken: z = .8/√2; e = 2 − .5 (1 + z).
    bias_U, bias_I = np.zeros(1, np.float32), np.zeros(2, np.float32)
    p, q = np.ones((1, 1), np.float32), np.array([[0.5], [0.0]], np.float32)
    y = np.array([[0.2], [0.6]], np.float32)
    one_rating = (np.array([0, 1]), np.zeros(1, np.int32), np.array([5], np.float32))
    taken = (np.array([0, 2]), np.array([0, 1], np.int32))
    squared = svdpp_people(np.array([0]), *one_rating, *taken, 3.0, bias_U, bias_I, p, q, y, 0.1, 0.2, 0.3)
    z = 0.8 / np.sqrt(2)
    error = 2 - 0.5 * (1 + z)
    assert squared == pytest.approx(error**2)
    assert [bias_U[0], bias_I[0], bias_I[1]] == pytest.approx([0.1 * error, 0.1 * error, 0])
    assert p[0, 0] == pytest.approx(1 + 0.1 * (error * 0.5 - 0.2))
    assert q[0, 0] == pytest.approx(0.5 + 0.1 * (error * (1 + z) - 0.2 * 0.5))
    assert y[:, 0] == pytest.approx([v + 0.1 * (error * 0.5 / np.sqrt(2) - 0.3 * v) for v in (0.2, 0.6)])


@given(seed=st.integers(0, 100))
def test_rows_are_shuffled_each_within_itself(seed):
    indptr = np.array([0, 0, 5, 6, 30], np.int64)
    order = np.empty(30, np.int64)
    shuffled_rows(indptr, np.random.default_rng(seed).random(30), order)
    for start, stop in itertools.pairwise(indptr):
        assert sorted(order[start:stop]) == list(range(start, stop))


def test_every_order_of_three_is_as_likely():
    indptr, order = np.array([0, 3], np.int64), np.empty(3, np.int64)
    counts: dict[tuple[int, ...], int] = {}
    rng = np.random.default_rng(0)
    for _ in range(6000):
        shuffled_rows(indptr, rng.random(3), order)
        counts[tuple(order)] = counts.get(tuple(order), 0) + 1
    assert len(counts) == 6 and min(counts.values()) > 880  # 1,000 expected, four deviations below
