"""Sums and steps over vectors of every length, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from recsmith.kernels.vectors import dot, dot_difference, step_both, step_pair


@njit
def all_four(x, y, z, keep, pull):
    product, difference = dot(x, y), dot_difference(x, y, z)
    a, b = x.copy(), y.copy()
    step_both(a, b, keep, pull)
    step_pair(x, y, z, keep, pull)
    return product, difference, a, b


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 12, 15, 16, 17, 31, 32, 47, 64, 100, 192])
def test_vectors_of_every_length(length):
    x, y, z = np.random.default_rng(length).standard_normal((3, length)).astype(np.float32)
    keep, pull = np.float32(0.9), np.float32(0.3)
    expected = keep * x + pull * (y - z), keep * y + pull * x, keep * z - pull * x
    both = keep * x + pull * y, keep * y + pull * x
    inner, apart = float(x.astype(float) @ y), float(x.astype(float) @ (y.astype(float) - z))
    product, difference, a, b = all_four(x, y, z, keep, pull)
    assert product == pytest.approx(inner, abs=1e-4)
    assert difference == pytest.approx(apart, abs=1e-4)
    for found, right in zip((a, b, x, y, z), (*both, *expected), strict=True):
        assert np.allclose(found, right, atol=1e-6)
