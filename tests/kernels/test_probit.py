"""The ordered probit: tails, quantiles, draws and means against SciPy; slopes against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recsmith.kernels import probit

CUTS = np.array([-np.inf, -1.2, 0.1, 1.5, np.inf])


@settings(deadline=None, max_examples=100)
@given(low=st.floats(-12, 12), width=st.floats(0.01, 5))
def test_the_mass_between_is_exact_in_both_tails(low, width):
    law = stats.norm
    high = low + width
    exact = law.sf(low) - law.sf(high) if low > 0 else law.cdf(high) - law.cdf(low)
    assert probit.normal_between(low, high) == pytest.approx(exact, rel=1e-9, abs=1e-299)


@settings(deadline=None, max_examples=100)
@given(exponent=st.floats(-250, np.log10(0.5)))
def test_the_quantile(exponent):
    p = 10.0**exponent
    assert probit.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), abs=1e-8)


@settings(deadline=None, max_examples=100)
@given(center=st.floats(-6, 6), level=st.integers(0, 3), chance=st.floats(0.001, 0.999))
def test_draws_and_means_are_those_of_the_cut_normal_law(center, level, chance):
    low, high = CUTS[level], CUTS[level + 1]
    law = stats.truncnorm(low - center, high - center, loc=center)
    drawn = probit.draw_between(center, low, high, chance)
    assert low <= drawn <= high
    assert drawn == pytest.approx(law.ppf(chance), abs=1e-6)
    assert probit.mean_between(center, low, high) == pytest.approx(law.mean(), abs=1e-4)


def levels_and_fits(n=200):
    rng = np.random.default_rng(1)
    return rng.integers(0, 4, n), rng.normal(0, 1.5, n)


def test_likelihood_and_its_derivatives():
    level_N, fitted_N = levels_and_fits()
    by_hand = np.log(stats.norm.cdf(CUTS[level_N + 1] - fitted_N) - stats.norm.cdf(CUTS[level_N] - fitted_N))
    assert probit.likelihood(level_N, CUTS, fitted_N) == pytest.approx(by_hand.sum(), rel=1e-9)
    slope_C, curve_CC = np.zeros(5), np.zeros((5, 5))
    probit.curvature(level_N, CUTS, fitted_N, slope_C, curve_CC)
    step = 1e-4

    def slope_at(cuts):
        out_C = np.zeros(5)
        probit.curvature(level_N, cuts, fitted_N, out_C, np.zeros((5, 5)))
        return out_C

    for c in (1, 2, 3):
        up, down = CUTS.copy(), CUTS.copy()
        up[c] += step
        down[c] -= step
        rise = probit.likelihood(level_N, up, fitted_N) - probit.likelihood(level_N, down, fitted_N)
        assert slope_C[c] == pytest.approx(rise / (2 * step), rel=1e-5)
        bend = (slope_at(up) - slope_at(down)) / (2 * step)
        np.testing.assert_allclose(-curve_CC[1:-1, c], bend[1:-1], rtol=1e-4, atol=1e-4)


def test_latent_writes_means_without_chances_and_draws_with_them():
    level_N, fitted_N = levels_and_fits(20)
    out_N = np.empty(20)
    probit.latent(level_N, CUTS, fitted_N, np.zeros(0), out_N)
    means = [probit.mean_between(f, CUTS[k], CUTS[k + 1]) for f, k in zip(fitted_N, level_N)]
    assert out_N.tolist() == means
    probit.latent(level_N, CUTS, fitted_N, np.full(20, 0.5), out_N)
    assert ((CUTS[level_N] <= out_N) & (out_N <= CUTS[level_N + 1])).all()
    assert out_N.tolist() != means
