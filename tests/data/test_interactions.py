"""Interactions and histories: stable order, ragged rows, matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data import Histories, Interactions
from recsmith.data.interactions import stable_order
from recsmith.errors import InvalidValue

EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)), max_size=40)


@given(EVENTS, st.booleans())
def test_order_is_user_then_time_then_row(events, with_time):
    user, item, time = (
        (np.array(column, int) for column in zip(*events, strict=True)) if events else (np.zeros(0),) * 3
    )
    weight = np.arange(len(events))  # the row's number rides along as its weight
    made = Interactions.from_arrays(user, item, weight, time if with_time else None)
    expected = sorted(
        range(len(events)), key=lambda row: (events[row][0], events[row][2] if with_time else 0, row)
    )
    assert made.weight.tolist() == expected
    assert made.user.tolist() == [events[row][0] for row in expected]
    assert made.item.tolist() == [events[row][1] for row in expected]
    assert made.sorted() is made or len(events) < 2
    indptr = made.indptr(5)
    for code in range(5):
        assert (made.user[indptr[code] : indptr[code + 1]] == code).all()
    assert indptr[-1] == len(events)


def test_columns_must_be_of_one_length():
    with pytest.raises(InvalidValue, match="Interactions.item must be 2 long, as user is. Got 1"):
        Interactions(np.zeros(2, np.int32), np.zeros(1, np.int32), np.zeros(2, np.float32))


@pytest.fixture
def ragged():
    return Histories(
        np.array([0, 2, 2, 5]),
        np.array([3, 1, 0, 0, 2], np.int32),
        np.array([5, 4, 1, 2, 3], np.float32),
        np.array([7, -1, 9], np.int32),
        np.array([10, 20, 1, 2, 3]),
    )


def test_matrices_sum_repeats_and_sort_columns(ragged):
    assert ragged.matrix(4).toarray().tolist() == [[0, 4, 0, 5], [0, 0, 0, 0], [3, 0, 3, 0]]
    assert ragged.binary(4).toarray().tolist() == [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert ragged.matrix(4).has_sorted_indices
    assert ragged.item.tolist() == [3, 1, 0, 0, 2], "the histories are as they were"


def test_blocks_and_picks_agree(ragged):
    for made in (ragged.block(1, 3), ragged.take(np.array([1, 2]))):
        assert made.indptr.tolist() == [0, 0, 3]
        assert made.item.tolist() == [0, 0, 2]
        assert made.time.tolist() == [1, 2, 3]
        assert made.user.tolist() == [-1, 9]
    assert ragged.take(np.array([2, 0, 2])).item.tolist() == [0, 0, 2, 3, 1, 0, 0, 2]
    assert ragged.take(np.array([], int)).indptr.tolist() == [0]
    assert ragged.as_strangers().user.tolist() == [-1, -1, -1]


TIMES = (
    st.integers(-5, 5),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**52), 2**52).map(lambda seconds: seconds * 1000),
)


@given(st.one_of(st.lists(kind, max_size=50) for kind in TIMES), st.sampled_from([np.int64, np.int32]))
def test_stable_order_is_what_argsort_gives(values, dtype):
    column = np.array(values, np.int64).astype(dtype)
    assert stable_order(column).tolist() == np.argsort(column, kind="stable").tolist()
