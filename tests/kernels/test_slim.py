"""SLIM's coordinate descent: the slow twin, the optimality conditions, columns apart, a column by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.slim import slim_column_plain, slim_columns


def gram(seed: int, *, n_users=30, n_items=12, density=0.4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x_UI = (rng.random((n_users, n_items)) < density) * rng.integers(1, 4, (n_users, n_items))
    return (x_UI.T @ x_UI).astype(np.float32)


def solved(gram_II, l1, l2, *, start=0, stop=None, tolerance=1e-7, max_passes=5000):
    last = len(gram_II) if stop is None else stop
    out_CI = np.full((last - start, len(gram_II)), np.nan, np.float32)
    options = (np.float32(l1), np.float32(l2), np.float32(tolerance), max_passes)
    passes = slim_columns(start, last, gram_II, *options, out_CI)
    return out_CI, passes


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    l1=st.sampled_from([0.0, 0.5, 3.0]),
    l2=st.sampled_from([1.0, 10.0]),
    density=st.sampled_from([0.1, 0.4, 0.9]),
)
def test_fast_and_plain_agree(seed, l1, l2, density):
    gram_II = gram(seed, density=density)
    found_CI, _ = solved(gram_II, l1, l2)
    for j, found_I in enumerate(found_CI):
        np.testing.assert_allclose(found_I, slim_column_plain(gram_II, j, l1, l2), atol=2e-5)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), l1=st.sampled_from([0.0, 1.0, 4.0]))
def test_no_weight_can_be_bettered(seed, l1):
    """The slope is 0 where a weight is above 0, and points below 0 where it is 0 (Karush, Kuhn, Tucker)."""
    l2, gram_II = 2.0, gram(seed)
    found_CI, _ = solved(gram_II, l1, l2)
    for j, w_I in enumerate(found_CI.astype(float)):
        slope_I = gram_II @ w_I + l2 * w_I + l1 - gram_II[j]
        others = np.arange(len(w_I)) != j
        assert w_I[j] == 0 and (w_I >= 0).all()
        np.testing.assert_allclose(slope_I[others & (w_I > 0)], 0, atol=5e-3)
        assert (slope_I[others & (w_I == 0)] > -5e-3).all()


def test_a_column_by_hand():
    # Items 0 and 1 share 3 people; item 2 stands alone. w = (3 − l1) / (4 + l2).
    gram_II = np.array([[4, 3, 0], [3, 5, 0], [0, 0, 2]], np.float32)
    found_CI, passes = solved(gram_II, 1.0, 2.0)
    np.testing.assert_allclose(found_CI, [[0, 2 / 7, 0], [2 / 6, 0, 0], [0, 0, 0]], rtol=1e-6)
    assert passes >= 2
    assert (solved(gram_II, 3.0, 2.0)[0] == 0).all()


def test_a_column_is_the_same_in_any_block():
    gram_II = gram(5)
    whole_CI, _ = solved(gram_II, 0.5, 3.0)
    for start, stop in ((0, 1), (3, 7), (11, 12)):
        np.testing.assert_array_equal(
            solved(gram_II, 0.5, 3.0, start=start, stop=stop)[0], whole_CI[start:stop]
        )


@pytest.mark.parametrize("max_passes", [1, 3])
def test_passes_end(max_passes):
    assert solved(gram(1), 0.1, 1.0, tolerance=0.0, max_passes=max_passes)[1] == max_passes
