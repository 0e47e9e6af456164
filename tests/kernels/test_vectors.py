"""Sums and steps over vectors of every length, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from recsmith.kernels.vectors import dot, dot_difference, fetch, step_both, step_pair


def all_four_of(known):
    @njit
    def all_four(x, y, z, keep, pull):
        for d in range(len(x)):
            fetch(x, d)
        product, difference = dot(x, y, known), dot_difference(x, y, z)
        a, b = x.copy(), y.copy()
        step_both(a, b, keep, pull, known)
        step_pair(x, y, z, keep, pull)
        return product, difference, a, b

    return all_four


ANY_LENGTH = all_four_of(0)


def test_a_length_that_is_known():
    for length in (1, 31, 100, 128, 129):
        check(all_four_of(length), length)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 12, 15, 16, 17, 31, 32, 47, 64, 100, 192])
def test_vectors_of_every_length(length):
    check(ANY_LENGTH, length)


def check(all_four, length):
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
