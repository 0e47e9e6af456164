"""BLAS in place against NumPy: parts of larger matrices, both precisions, nothing touched beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.blas import subtract_product


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 1000),
    n_rows=st.integers(0, 9),
    n_columns=st.integers(0, 9),
    n_inner=st.integers(0, 5),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_it_takes_the_product_off_a_part_and_leaves_the_rest(seed, n_rows, n_columns, n_inner, dtype):
    rng = np.random.default_rng(seed)
    whole, left, right = (rng.integers(-9, 9, (12, 12)).astype(dtype) for _ in range(3))
    expected = whole.copy()
    part = slice(2, 2 + n_rows), slice(1, 1 + n_columns)
    left_AK, right_BK = left[:n_rows, :n_inner], right[3 : 3 + n_columns, 4 : 4 + n_inner]
    expected[part] -= left_AK @ right_BK.T
    subtract_product(whole[part], left_AK, right_BK)
    np.testing.assert_array_equal(whole, expected)


def test_columns_that_lie_apart_are_refused():
    square = np.ones((4, 4))
    with pytest.raises(ValueError, match="must lie side by side"):
        subtract_product(square.copy(), np.asfortranarray(square), square)
