"""Hits of lists, and items that two ragged tables share, against the plain twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.hits import hits, hits_plain, in_row, in_row_plain


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(0, 8), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_hits_equal_the_plain_twin(seed, n_rows, width, n_items):
    rng = np.random.default_rng(seed)
    item_BK = rng.integers(-1, n_items, (n_rows, width)).astype(np.int32)
    rows = [np.flatnonzero(rng.random(n_items) < 0.4) for _ in range(n_rows)]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.concatenate([*rows, np.zeros(0)]).astype(np.int32)
    np.testing.assert_array_equal(hits(item_BK, indptr, indices), hits_plain(item_BK, indptr, indices))


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_shared_items_equal_the_plain_twin(seed, n_rows, n_items):
    rng = np.random.default_rng(seed)

    def table():
        lengths = rng.integers(0, 8, n_rows)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return indptr, rng.integers(0, n_items, indptr[-1]).astype(np.int32)

    mine, theirs = table(), table()
    np.testing.assert_array_equal(in_row(*mine, *theirs, n_items), in_row_plain(*mine, *theirs, n_items))
