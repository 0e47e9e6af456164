"""Ordered probit: level y is seen where z = ŷ + N(0, 1) lies between two cut points. Albert, Chib, Bayesian
analysis of binary and polychotomous response data, JASA 1993."""

from __future__ import annotations

import math

from numba import njit

_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_LEAST = 1e-300


@njit(nogil=True, cache=True)
def normal_between(low, high):
    """Returns Φ(high) − Φ(low), exact in both tails."""
    if low > 0.0:
        found = 0.5 * (math.erfc(low * _ROOT_HALF) - math.erfc(high * _ROOT_HALF))
    else:
        found = 0.5 * (math.erfc(-high * _ROOT_HALF) - math.erfc(-low * _ROOT_HALF))
    return max(found, _LEAST)


@njit(nogil=True, cache=True)
def normal_density(x):
    """Returns φ(x)."""
    return _DENSITY * math.exp(-0.5 * x * x)


@njit(nogil=True, cache=True)
def normal_quantile(p):
    """Returns Φ⁻¹(p) for p ≤ ½, within 1e-9.

    A rational start (Abramowitz, Stegun 26.2.23), and two of Halley's steps.
    """
    t = math.sqrt(-2.0 * math.log(max(p, _LEAST)))
    x = -t + (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    for _ in range(2):
        density = normal_density(x)
        if density < _LEAST:
            break
        step = (0.5 * math.erfc(-x * _ROOT_HALF) - p) / density
        x -= step / (1.0 + 0.5 * x * step)
    return x


@njit(nogil=True, cache=True)
def draw_between(center, low, high, chance):
    """Returns the number of N(center, 1) cut to [low, high] at which its distribution is `chance`."""
    a = low - center
    b = high - center
    if a + b > 0.0:  # the mirror image, whose probabilities are small numbers and no differences from 1
        tail = 0.5 * math.erfc(b * _ROOT_HALF)
        p = tail + (1.0 - chance) * normal_between(a, b)
        x = -normal_quantile(p) if p <= 0.5 else normal_quantile(1.0 - p)
    else:
        tail = 0.5 * math.erfc(-a * _ROOT_HALF)
        p = tail + chance * normal_between(a, b)
        x = normal_quantile(p) if p <= 0.5 else -normal_quantile(1.0 - p)
    return center + min(max(x, a), b)


@njit(nogil=True, cache=True)
def mean_between(center, low, high):
    """Returns the mean of N(center, 1) cut to [low, high]."""
    a = low - center
    b = high - center
    mean = (normal_density(a) - normal_density(b)) / normal_between(a, b)
    return center + min(max(mean, a), b)


@njit(nogil=True, cache=True)
def latent(level_N, cut_C, fitted_N, chance_N, out_N):
    """Writes z of each event: a draw where there are chances (uniform in 0 to 1), else its mean. O(N).

    `cut_C` has −∞ in front and ∞ behind: level l lies between cuts l and l + 1.
    """
    draws = len(chance_N) > 0
    for n in range(len(level_N)):
        low = cut_C[level_N[n]]
        high = cut_C[level_N[n] + 1]
        if draws:
            out_N[n] = draw_between(fitted_N[n], low, high, chance_N[n])
        else:
            out_N[n] = mean_between(fitted_N[n], low, high)


@njit(nogil=True, cache=True)
def likelihood(level_N, cut_C, fitted_N):
    """Returns the log-likelihood of the levels. O(N)."""
    total = 0.0
    for n in range(len(level_N)):
        low = cut_C[level_N[n]] - fitted_N[n]
        total += math.log(normal_between(low, cut_C[level_N[n] + 1] - fitted_N[n]))
    return total


@njit(nogil=True, cache=True)
def curvature(level_N, cut_C, fitted_N, slope_C, curve_CC):
    """Adds the log-likelihood's slope by each cut, and minus its second derivatives. O(N).

    With P = Φ(b) − Φ(a): ∂b = φ(b)/P, ∂a = −φ(a)/P, ∂²b = −bφ(b)/P − (φ(b)/P)², ∂²a = aφ(a)/P − (φ(a)/P)²,
    ∂a∂b = φ(a)φ(b)/P².
    """
    for n in range(len(level_N)):
        level = level_N[n]
        a = cut_C[level] - fitted_N[n]
        b = cut_C[level + 1] - fitted_N[n]
        chance = normal_between(a, b)
        at_a = normal_density(a) / chance
        at_b = normal_density(b) / chance
        slope_C[level] -= at_a
        slope_C[level + 1] += at_b
        if at_a > 0.0:
            curve_CC[level, level] += at_a * (at_a - a)
        if at_b > 0.0:
            curve_CC[level + 1, level + 1] += at_b * (at_b + b)
        curve_CC[level, level + 1] -= at_a * at_b
        curve_CC[level + 1, level] -= at_a * at_b
