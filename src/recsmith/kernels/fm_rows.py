"""A factorization machine's predictions from rows of features, by every sample of its parameters; and the
columns of a new person, fitted to their events while all others stay."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from recsmith.kernels.probit import mean_between
from recsmith.kernels.ridge import _cholesky, _solve

_FAST = {"contract", "reassoc", "nsz"}
EXACT, LOGISTIC, LEVELS = 0, 1, 2
"""How a target tells of ŷ: it is ŷ and noise; 1 with the chance σ(ŷ); a level of an ordered probit."""
_ROUNDS = 12  # of a target that is not exact


@njit(nogil=True, cache=True, fastmath=_FAST)
def row_sums(indptr, column, value, parameter_PSK, sum_RSD, alone_RS):
    """Adds Σ_p x_p v_p of each row to `sum_RSD`, and w·x − ½ Σ_p x_p² |v_p|² to `alone_RS`.

    `parameter_PSK` holds w and then v of each column and sample. O(entries·S·D).
    """
    n_samples, n_dims = sum_RSD.shape[1:]
    for r in range(len(sum_RSD)):
        for entry in range(indptr[r], indptr[r + 1]):
            x = value[entry]
            for s in range(n_samples):
                v_K = parameter_PSK[column[entry], s]
                square = np.float32(0.0)
                for d in range(n_dims):
                    part = x * v_K[d + 1]
                    sum_RSD[r, s, d] += part
                    square += part * part
                alone_RS[r, s] += x * v_K[0] - np.float32(0.5) * square


@njit(nogil=True, cache=True, fastmath=_FAST)
def fitted(person_n, thing_n, person_ASD, person_AS, thing_TSD, thing_TS, constant_S, out_nS):
    """Writes ŷ of pairs by each sample: w₀ + a_person + a_thing + q_person·q_thing. O(n·S·D).

    A side's a is its `alone` of `row_sums` plus ½ |q|².
    """
    n_samples, n_dims = person_ASD.shape[1:]
    for n in range(len(person_n)):
        a = person_n[n]
        t = thing_n[n]
        for s in range(n_samples):
            product = np.float32(0.0)
            for d in range(n_dims):
                product += person_ASD[a, s, d] * thing_TSD[t, s, d]
            out_nS[n, s] = constant_S[s] + person_AS[a, s] + thing_TS[t, s] + product


@njit(nogil=True, cache=True)
def own_columns(
    indptr,
    fitted_nS,
    others_nSD,
    target_n,
    kind,
    cut_SC,
    noise_precision_S,
    mean_SK,
    precision_SK,
    firmness_B,
    out_BSK,
):
    """Writes the column (w, v) of each person that fits their events best, for each sample.

    Person b's events are `indptr[b]:indptr[b + 1]`; without the column they have `fitted_nS`, and the sum
    `others_nSD` of their other features' vectors, so with it ŷ = fitted + w + v·others. The column's prior is
    N(mean, 1 / precision) in each coordinate, its precision times the person's `firmness_B`. `target_n` is
    read by `kind`; levels by `cut_SC`, with −∞ in front and ∞ behind. Ridge regression; for targets that are
    not exact, on their expected z again and again (σ by the bound of Böhning, 1992: curvature ≤ ¼).
    O(S·(n·D² + B·D³)).
    """
    n_samples, n_keys = mean_SK.shape
    matrix_KK = np.empty((n_keys, n_keys))
    right_K = np.empty(n_keys)
    h_K = np.ones(n_keys)
    for b in range(len(out_BSK)):
        low = indptr[b]
        high = indptr[b + 1]
        for s in range(n_samples):
            own_K = np.empty(n_keys)
            own_K[:] = mean_SK[s]
            weight = noise_precision_S[s] if kind == EXACT else (0.25 if kind == LOGISTIC else 1.0)
            matrix_KK[:] = 0.0
            for k in range(n_keys):
                matrix_KK[k, k] = firmness_B[b] * precision_SK[s, k]
            for n in range(low, high):
                h_K[1:] = others_nSD[n, s]
                for i in range(n_keys):
                    for j in range(i + 1):
                        matrix_KK[i, j] += weight * h_K[i] * h_K[j]
            _cholesky(matrix_KK)
            for _ in range(1 if kind == EXACT else _ROUNDS):
                for k in range(n_keys):
                    right_K[k] = firmness_B[b] * precision_SK[s, k] * mean_SK[s, k]
                for n in range(low, high):
                    h_K[1:] = others_nSD[n, s]
                    base = np.float64(fitted_nS[n, s])
                    y = base + h_K @ own_K
                    if kind == EXACT:
                        z = np.float64(target_n[n])
                    elif kind == LOGISTIC:
                        z = y + 4.0 * (target_n[n] - 1.0 / (1.0 + math.exp(-y)))
                    else:
                        level = int(target_n[n])
                        z = mean_between(y, cut_SC[s, level], cut_SC[s, level + 1])
                    for k in range(n_keys):
                        right_K[k] += weight * h_K[k] * (z - base)
                _solve(matrix_KK, right_K, own_K)
            out_BSK[b, s] = own_K
