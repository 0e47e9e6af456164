"""Keys that sort as entries do: their order, the cut, the sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.keys import code_of, cut, key_of, sort_keys


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 70), data=st.data())
def test_the_cut_leaves_the_largest_in_front(seed, size, data):
    k = data.draw(st.integers(1, size))
    keys = np.random.default_rng(seed).permutation(size + 5).astype(np.uint64)
    if seed % 3 == 0:
        keys[:size].sort()
    before = keys.copy()
    least = cut(keys, size, k)
    expected = np.sort(before[:size])[::-1]
    assert sorted(keys[:k], reverse=True) == expected[:k].tolist()
    assert least == expected[k - 1]
    assert sorted(keys[:size]) == sorted(before[:size])
    assert (keys[size:] == before[size:]).all()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 2, width=32), min_size=1, max_size=40))
def test_keys_sort_by_score_and_then_by_the_lower_code(scores):
    score = np.array(scores, np.float32) + np.float32(0)  # no -0
    keys = np.array([key_of(bits, code) for code, bits in enumerate(score.view(np.uint32))], np.uint64)
    assert [code_of(key) for key in keys] == list(range(len(scores)))
    sort_keys(keys, len(keys))
    assert [code_of(key) for key in keys] == sorted(range(len(scores)), key=lambda c: (-score[c], c))
