"""Factorization machines by stochastic gradient descent, event by event. Rendle, Factorization machines, ICDM
2010."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_FAST = {"contract", "reassoc", "nsz"}


@njit(nogil=True, cache=True)
def descend(
    order_n,
    index_BN,
    indptr,
    column,
    value,
    target_N,
    logistic,
    learning_rate,
    regularization,
    limit,
    constant_1,
    parameter_PK,
):
    """Takes one step for each event of `order_n`, in place; returns the sum of losses before each step, and
    how many steps were good: fewer than all when |ŷ| went over `limit` or was no number.

    An event's features are the rows `index_BN[:, n]` of a CSR matrix (`indptr`, `column`, `value`); row p of
    `parameter_PK` is (w, v). The loss is e² for e = y − ŷ, or the log loss of σ(ŷ), whose e is y − σ(ŷ). A
    parameter moves by η (e·h − λ θ), h = ∂ŷ/∂θ. O(entries·D).
    """
    n_blocks = len(index_BN)
    n_dims = parameter_PK.shape[1] - 1
    rate = np.float32(learning_rate)
    shrink = np.float32(regularization)
    sum_D = np.empty(n_dims, np.float32)
    loss = 0.0
    for step in range(len(order_n)):
        n = order_n[step]
        linear, square = _sums(index_BN, n, n_blocks, indptr, column, value, parameter_PK, sum_D)
        fit = np.float64(constant_1[0]) + linear - 0.5 * square
        for d in range(n_dims):
            fit += 0.5 * sum_D[d] * sum_D[d]
        if not abs(fit) <= limit:
            return loss, step
        if logistic:
            error = np.float32(target_N[n] - 1.0 / (1.0 + math.exp(-fit)))
            loss += math.log1p(math.exp(-abs(fit))) + max(fit, 0.0) - target_N[n] * fit
        else:
            error = np.float32(target_N[n] - fit)
            loss += error * error
        constant_1[0] += rate * error
        for b in range(n_blocks):
            r = index_BN[b, n]
            for entry in range(indptr[r], indptr[r + 1]):
                _move(parameter_PK[column[entry]], value[entry], error, sum_D, rate, shrink)
    return loss, len(order_n)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _sums(index_BN, n, n_blocks, indptr, column, value, parameter_PK, sum_D):
    """Writes Σ x v into `sum_D`; returns Σ x w and Σ x² |v|²."""
    n_dims = len(sum_D)
    linear = np.float32(0.0)
    square = np.float32(0.0)
    sum_D[:] = 0.0
    for b in range(n_blocks):
        r = index_BN[b, n]
        for entry in range(indptr[r], indptr[r + 1]):
            x = value[entry]
            own_K = parameter_PK[column[entry]]
            linear += x * own_K[0]
            for d in range(n_dims):
                part = x * own_K[d + 1]
                sum_D[d] += part
                square += part * part
    return linear, square


@njit(nogil=True, cache=True, fastmath=_FAST)
def _move(own_K, x, error, sum_D, rate, shrink):
    """Moves one column's parameters: h is x for w and x (Σ − x v) for v."""
    own_K[0] += rate * (error * x - shrink * own_K[0])
    for d in range(len(sum_D)):
        v = own_K[d + 1]
        own_K[d + 1] = v + rate * (error * x * (sum_D[d] - x * v) - shrink * v)


def descend_plain(order_n, x_NP, target_N, logistic, learning_rate, regularization, constant, parameter_PK):
    """Is the readable twin of `descend`, on dense features: returns loss, constant, and parameters, float64.

    As there, only the features that an event has are held back.
    """
    parameter_PK, loss = parameter_PK.astype(float), 0.0
    for n in order_n:
        x_P = x_NP[n]
        w_P, v_PD = parameter_PK[:, 0].copy(), parameter_PK[:, 1:].copy()
        sum_D = x_P @ v_PD
        fit = constant + x_P @ w_P + 0.5 * np.sum(sum_D**2 - x_P**2 @ v_PD**2)
        chance = 1 / (1 + np.exp(-fit))
        error = target_N[n] - (chance if logistic else fit)
        loss += -np.log(chance if target_N[n] else 1 - chance) if logistic else error**2
        constant += learning_rate * error
        has_P = x_P != 0
        slope_PD = error * x_P[:, None] * (sum_D - x_P[:, None] * v_PD) - regularization * v_PD
        parameter_PK[has_P, 0] += (learning_rate * (error * x_P - regularization * w_P))[has_P]
        parameter_PK[has_P, 1:] += (learning_rate * slope_PD)[has_P]
    return loss, constant, parameter_PK
