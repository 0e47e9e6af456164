"""BPR's steps: the slow twin with the same draws, never a seen negative, even draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.bpr import bpr_events, bpr_events_plain


def log(seed: int, *, n_users=5, n_items=8, n_dims=4) -> tuple:
    rng = np.random.default_rng(seed)
    taken = rng.random((n_users, n_items)) < 0.4
    user, item = (codes.astype(np.int32) for codes in np.nonzero(taken))
    indptr = np.concatenate([[0], np.cumsum(taken.sum(1))]).astype(np.int64)
    order = rng.permutation(len(user))
    tables = [rng.normal(0, 0.3, shape) for shape in ((n_items,), (n_users, n_dims), (n_items, n_dims))]
    return user[order], item[order], indptr, item, tables


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), key=st.integers(0, 2**63), n_dims=st.integers(1, 9))
def test_fast_and_plain_agree(seed, key, n_dims):
    user, item, indptr, seen, tables = log(seed, n_dims=n_dims)
    candidate = np.arange(8, dtype=np.int32)
    fast = [table.astype(np.float32) for table in tables]
    one = bpr_events(user, item, np.uint64(key), indptr, seen, candidate, *fast, 0.1, 0.02)
    other = bpr_events_plain(user, item, np.uint64(key), indptr, seen, candidate, *tables, 0.1, 0.02)
    assert one[0] == other[0] and one[2] == pytest.approx(other[2], rel=1e-4)
    for mine, theirs in zip(fast, tables, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)


def test_a_person_who_took_everything_takes_no_step():
    user, item = np.zeros(3, np.int32), np.arange(3, dtype=np.int32)
    tables = [np.ones(3, np.float32), np.ones((1, 2), np.float32), np.ones((3, 2), np.float32)]
    indptr = np.array([0, 3])
    found = bpr_events(user, item, np.uint64(1), indptr, item, item, *tables, 0.1, 0.1)
    assert found == (0, 0, 0.0) and all((table == 1).all() for table in tables)


def test_negatives_are_drawn_evenly_and_are_never_seen_items():
    n_items, n_events = 10, 40_000
    user, item = np.zeros(n_events, np.int32), np.zeros(n_events, np.int32)
    seen, indptr = np.array([0, 3], np.int32), np.array([0, 2])
    # A step so small that each draw moves its item's bias by almost exactly half the rate.
    bias_I = np.zeros(n_items, np.float32)
    bpr_events(
        user,
        item,
        np.uint64(7),
        indptr,
        seen,
        np.arange(n_items, dtype=np.int32),
        bias_I,
        np.zeros((1, 1), np.float32),
        np.zeros((n_items, 1), np.float32),
        1e-6,
        0.0,
    )
    drawn_I = -bias_I / 0.5e-6
    assert drawn_I[3] == 0
    others = [1, 2, 4, 5, 6, 7, 8, 9]
    assert drawn_I[others] == pytest.approx(np.full(8, n_events / 8), rel=0.06)


def test_the_key_decides_the_draws():
    outcomes = []
    for key in (1, 1, 2):
        user, item, indptr, seen, tables = log(3)
        fast = [table.astype(np.float32) for table in tables]
        bpr_events(user, item, np.uint64(key), indptr, seen, np.arange(8, dtype=np.int32), *fast, 0.1, 0.0)
        outcomes.append(fast[2])
    assert (outcomes[0] == outcomes[1]).all() and (outcomes[0] != outcomes[2]).any()
