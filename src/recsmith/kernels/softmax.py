"""Softmax over all items, from logits to the gradient of the loss, in one pass over each row."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from recsmith.kernels.threads import shared_pool

# exp(x) = 2^k · exp(r), |r| ≤ ln 2 / 2; the polynomial of exp(r) is Cephes' (Moshier), within 1e-7 of exp.
_PER_BIT = np.float32(1.4426950408889634)  # 1 / ln 2
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_LEAST = np.float32(-87.0)  # what is smaller counts as 1e-38 and is never a denormal number, which is slow
_ONE, _HALF = np.float32(1), np.float32(0.5)
_BIAS, _PLACE = np.int32(127), np.int32(23)  # of a float's exponent


@intrinsic
def _as_float(_, __):
    """Reads the bits of an int32 as a float32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@njit(fastmath={"contract"}, nogil=True, cache=True)
def _exp(x):
    """Gives exp(x) of a float32 that is 0 or less; NaN stays NaN. It has no branch: loops become vectors."""
    x = _LEAST if x < _LEAST else x
    k = np.floor(x * _PER_BIT + _HALF)
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    y = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    return (y * (r * r) + r + _ONE) * _as_float((np.int32(k) + _BIAS) << _PLACE)


@njit(fastmath={"reassoc", "nsz", "contract"}, nogil=True, cache=True)
def softmax_gradient(logit_NV, top_N, target_N, scale):
    """Turns logits into scale · (softmax(logit) − 1[target]), in place; gives Σ −log softmax[target].

    float32 [N, V]; top_N is each row's maximum. A row is read from memory once: O(N·V).
    """
    total = 0.0
    for n in range(len(logit_NV)):
        row_V, top, target = logit_NV[n], top_N[n], target_N[n]
        own, mass = row_V[target], np.float32(0)
        for v in range(len(row_V)):
            p = _exp(row_V[v] - top)
            row_V[v] = p
            mass += p
        total += math.log(mass) + top - own
        share = np.float32(scale / mass)
        for v in range(len(row_V)):
            row_V[v] *= share
        row_V[target] -= np.float32(scale)
    return total


def softmax_gradient_by(
    n_threads: int, logit_NV: np.ndarray, top_N: np.ndarray, target_N: np.ndarray, scale: float
) -> float:
    """Does `softmax_gradient` on a share of the rows in each thread; sums are added in the rows' order."""
    if n_threads == 1:
        return float(softmax_gradient(logit_NV, top_N, target_N, scale))
    ends = np.linspace(0, len(logit_NV), n_threads + 1).astype(int)
    shares = [slice(a, b) for a, b in pairwise(ends) if a < b]
    pool = shared_pool(n_threads)
    work = [pool.submit(softmax_gradient, logit_NV[n], top_N[n], target_N[n], scale) for n in shares]
    return float(sum(done.result() for done in work))
