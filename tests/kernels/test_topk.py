"""Top-K against its plain twin: ties, short rows, NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.topk import exclude, top_k, top_k_plain

# Few distinct values make many ties; -inf and NaN are among them.
VALUES = st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 0.5, 0.5, 2.0, np.float32(0.1)])


@settings(deadline=None)  # the first call may compile
@given(st.integers(1, 4), st.integers(1, 25), st.integers(1, 30), st.data())
def test_equals_the_plain_twin(n_rows, n_items, k, data):
    values = data.draw(st.lists(VALUES, min_size=n_rows * n_items, max_size=n_rows * n_items))
    score_BI = np.array(values, np.float32).reshape(n_rows, n_items)
    for fast, plain in zip(top_k(score_BI, k), top_k_plain(score_BI, k), strict=True):
        np.testing.assert_array_equal(fast, plain)


def test_ties_go_to_the_lower_code():
    codes, scores = top_k(np.array([[1, 2, 2, 1, 2]], np.float32), 4)
    assert codes.tolist() == [[1, 2, 4, 0]]
    assert scores.tolist() == [[2, 2, 2, 1]]


@pytest.mark.parametrize("n_items", [1000, 5000])
def test_large_rows(n_items):
    score_BI = np.random.default_rng(0).normal(size=(3, n_items)).astype(np.float32).round(2)
    np.testing.assert_array_equal(top_k(score_BI, 50)[0], top_k_plain(score_BI, 50)[0])


def test_exclude_marks_only_what_is_listed():
    score_BI = np.zeros((2, 3), np.float32)
    exclude(score_BI, np.array([0, 1, 3]), np.array([2, 0, 0], np.int32))
    assert np.isinf(score_BI).tolist() == [[False, False, True], [True, False, False]]
