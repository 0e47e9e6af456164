"""Strata: every event once, groups that share nothing, and the same draw for the same generator."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsmith.kernels.strata import groups_for, strata, strides
from recsmith.rng import generator


@given(seed=st.integers(0, 1000), n=st.integers(1, 200), n_groups=st.integers(1, 5))
def test_blocks_of_a_round_share_nothing_and_hold_all(seed, n, n_groups):
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 9, n), rng.integers(0, 7, n)
    found = strata(user, item, np.arange(n), 9, 7, n_groups=n_groups, generator=generator(seed, "strata"))
    assert sorted(found.value.tolist()) == list(range(n))
    assert (user[found.value] == found.user).all() and (item[found.value] == found.item).all()
    assert sorted(found.members.tolist()) == list(range(7))
    held = []
    for blocks in found.rounds():
        users, items = [], []
        for g, h in blocks:
            events = found.value[found.bounds[g, h] : found.bounds[g, h + 1]]
            held.extend(events.tolist())
            users.append(set(user[events].tolist()))
            items.append(set(item[events].tolist()))
            members = found.members[found.member_bounds[h] : found.member_bounds[h + 1]]
            assert set(item[events].tolist()) <= set(members.tolist())
        assert sum(map(len, users)) == len(set().union(*users))
        assert sum(map(len, items)) == len(set().union(*items))
    assert sorted(held) == list(range(n))


def test_the_number_of_groups_is_the_logs_affair():
    assert groups_for(100_000) == 1
    assert groups_for(25_000_000) == 8
    assert groups_for(25_000_000, many=16) == 16


def test_a_block_is_in_a_new_order_each_time():
    user, item = np.zeros(1000, np.int32), np.zeros(1000, np.int32)
    drawn = generator(3, "strata")
    first, second = (
        strata(user, item, np.arange(1000), 1, 1, n_groups=1, generator=drawn).value for _ in range(2)
    )
    assert (first != second).mean() > 0.95
    for order in (first, second):
        assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.15


@given(seed=st.integers(0, 1000), n=st.integers(1, 300))
def test_a_stride_meets_each_event_once(seed, n):
    first, stride = strides(n, generator(seed, "strides"))
    assert sorted((first + stride * np.arange(n)) % n) == list(range(n))
    assert strides(0, generator(seed, "strides")) == (0, 0)
