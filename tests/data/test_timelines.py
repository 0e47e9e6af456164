"""Timelines: every event that has a predecessor is learnt once, from a window of what came before it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.data import Histories
from recsmith.data.timelines import TimelineBatches, cut, long_enough, newest, pack


def log(lengths):
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    item = np.arange(indptr[-1], dtype=np.int32)
    return Histories(indptr, item, np.ones(len(item), np.float32), np.arange(len(lengths), dtype=np.int32))


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    length=st.integers(1, 9),
    stride=st.integers(1, 9),
    seed=st.none() | st.integers(0, 5),
)
def test_each_event_is_learnt_once(lengths, length, stride, seed):
    stride = min(stride, length)
    indptr = log(lengths).indptr
    drawn = None if seed is None else np.random.default_rng(seed)
    windows = cut(indptr, length=length, stride=stride, shift=drawn)
    learnt = [np.arange(a, b) + 1 for a, b in zip(windows.fresh_W, windows.stop_W, strict=True)]
    expected = [event for a, b in pairwise(indptr) for event in range(a + 1, b)]
    assert sorted(np.concatenate([*learnt, np.zeros(0, int)]).astype(int).tolist()) == expected
    assert (windows.stop_W - windows.start_W <= length).all()
    assert (windows.start_W <= windows.fresh_W).all() and (windows.fresh_W < windows.stop_W).all()
    assert (windows.start_W >= indptr[windows.row_W]).all(), "no window reaches into another timeline"


def test_windows_are_as_long_as_they_may_be():
    windows = cut(np.array([0, 11]), length=6, stride=2)
    assert (windows.stop_W - windows.start_W).tolist() == [2, 4, 6, 6, 6]
    assert cut(np.array([0, 1, 1]), length=6, stride=2).row_W.tolist() == [], "one event teaches nothing"


def test_a_batch_is_padded_on_the_right_and_aligned():
    batches = TimelineBatches(
        log([4, 1, 3]), length=3, stride=3, batch_size=8, seed=0, events={"x": np.arange(8.0)}
    )
    windows = cut(batches.histories.indptr, length=3, stride=3)
    found = batches.batch(windows, np.arange(2))
    assert found["item"].tolist() == [[1, 2, 3], [6, 7, 0]]
    assert found["target"].tolist() == [[2, 3, 4], [7, 8, 0]]
    assert found["x"].tolist() == [[0, 1, 2], [5, 6, 0]]
    assert found["user"].tolist() == [1, 3]


def test_an_epoch_depends_on_seed_and_number_alone_and_can_start_late():
    batches = TimelineBatches(log([30, 4, 9, 2, 17]), length=5, stride=3, batch_size=2, seed=3)
    whole = list(batches.epoch(1))
    late = list(batches.epoch(1, start=4))
    assert len(whole) == batches.n_steps and len(late) == batches.n_steps - 4
    for a, b in zip(whole[4:], late, strict=True):
        np.testing.assert_array_equal(a["item"], b["item"])
    others = list(batches.epoch(2))
    assert any(
        a["item"].shape != b["item"].shape or (a["item"] != b["item"]).any()
        for a, b in zip(whole, others, strict=True)
    )
    targets = sorted(t for batch in whole for t in batch["target"].ravel().tolist() if t)
    assert len(targets) == 62 - 5 and len(set(targets)) == len(targets)


@pytest.mark.parametrize(("n", "n_batches"), [(1, 1), (5, 5), (100, 7), (400, 40)])
def test_batches_have_about_the_same_number_of_events(n, n_batches):
    length = np.random.default_rng(0).integers(1, 50, n)
    bounds, order = pack(length, n_batches, np.random.default_rng(1))
    assert sorted(order.tolist()) == list(range(n)) and (np.diff(bounds) > 0).all() and bounds[-1] == n
    sums = np.array([length[order[a:b]].sum() for a, b in pairwise(bounds)])
    assert sums.max() <= sums.mean() + 2 * length.max()


def test_the_newest_events_are_kept():
    found = newest(log([4, 0, 2]), length=3, events={"x": np.arange(6)})
    assert found["item"].tolist() == [[2, 3, 4], [0, 0, 0], [5, 6, 0]]
    assert found["x"].tolist() == [[1, 2, 3], [0, 0, 0], [4, 5, 0]]
    empty = newest(log([0, 0]), length=3, events={"x": np.zeros((0, 2))})
    assert empty["item"].tolist() == [[0], [0]] and empty["x"].shape == (2, 1, 2)


def test_short_timelines_can_be_left_out():
    assert long_enough(log([4, 0, 2]), 3).lengths.tolist() == [4]
