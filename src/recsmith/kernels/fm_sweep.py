"""One sweep of coordinate updates over the columns of a factorization machine: the closed form of ALS, the
draw of Gibbs. Rendle, Factorization machines with libFM, TIST 2012; Scaling factorization machines to
relational data, VLDB 2013.

Event n's features lie in B blocks, a row in each: x(n) = (x_1[r_1(n)], …, x_B[r_B(n)]), and
ŷ(n) = w₀ + w·x + ½ Σ_f ((v_f·x)² − Σ_p x_p² v_pf²). A block's row is kept once, however many events share
it, and so is all that its columns need of them: six sums, in one cache line.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_FAST = {"contract", "reassoc", "nsz"}

# What a block row r keeps while one factor is swept. Over its events: how many, Σ o, Σ o², Σ e, Σ o e, where
# e is an event's error and o the sum q of the other blocks' rows. Then its own sum q = Σ_p x_p v_p, what that
# was before, and the a of what its events' errors have yet to lose: a + (q − q_before) o.
_COUNT, _Q, _O, _OO, _E, _OE, _A, _BEFORE = range(8)


@njit(nogil=True, cache=True, fastmath=_FAST)
def sweep(
    index_BN,
    block_column,
    column_ptr,
    row,
    value,
    count_R,
    group_P,
    mean_KG,
    precision_KG,
    noise_precision,
    noise_KP,
    error_N,
    parameter_KP,
):
    """Updates all parameters in place, one after the other, and the errors e = y − ŷ with them.

    `parameter_KP` holds w in row 0 and a factor in each row behind it. Columns `block_column[b]` to
    `block_column[b + 1]` are block b's; column p has `value` at the block rows `row` of
    `column_ptr[p]:column_ptr[p + 1]`; `index_BN` gives the block rows of events. Block rows are numbered
    through, block by block; `count_R` is how many events each has.

    A parameter's error sum Σ h e and square Σ h² (h = ∂ŷ/∂θ) give its posterior under the prior
    N(mean, 1 / precision) of its group and row. It moves to the posterior's mean plus `noise_KP` of its
    deviations: zeros are ALS, standard normal numbers a Gibbs sweep. One that no event tells of takes the
    prior's mean. Errors and parameters are float32, sums float64. O((N·B + entries)·K).
    """
    n_rows, n_events, n_blocks = len(count_R), len(error_N), len(index_BN)
    this_R8 = np.zeros((n_rows, 8))
    other_R8 = np.zeros((n_rows, 8))
    for r in range(n_rows):
        this_R8[r, _COUNT] = other_R8[r, _COUNT] = count_R[r]
    total_N = np.zeros(n_events, np.float32)
    for k in range(len(parameter_KP)):
        linear = k == 0
        last = n_blocks - 1
        _start(column_ptr, row, value, parameter_KP[k], this_R8)
        _to_next(error_N, total_N, index_BN, other_R8, last, k == 1, this_R8, 0, linear, k > 0, True)
        for b in range(n_blocks):
            _columns(
                block_column[b],
                block_column[b + 1],
                column_ptr,
                row,
                value,
                group_P,
                mean_KG[k],
                precision_KG[k],
                noise_precision,
                noise_KP[k],
                parameter_KP[k],
                this_R8,
                0.0 if linear else 1.0,
            )
            if b < last:
                _to_next(error_N, total_N, index_BN, this_R8, b, linear, this_R8, b + 1, linear, True, False)
        this_R8, other_R8 = other_R8, this_R8
    # The last factor's last block.
    _settle(error_N, total_N, index_BN[n_blocks - 1], other_R8, len(parameter_KP) == 1)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _start(column_ptr, row, value, parameter_P, cache_R8):
    """Computes q of all block rows and clears their sums."""
    cache_R8[:, _Q:] = 0.0
    for p in range(len(parameter_P)):
        v = parameter_P[p]
        for entry in range(column_ptr[p], column_ptr[p + 1]):
            cache_R8[row[entry], _Q] += value[entry] * v
    for r in range(len(cache_R8)):
        cache_R8[r, _BEFORE] = cache_R8[r, _Q]


@njit(nogil=True, cache=True, fastmath=_FAST)
def _to_next(
    error_N, total_N, index_BN, done_R8, done, done_linear, next_R8, following, linear, settles, fresh
):
    """Passes once over the events: they lose what block `done` changed, block `following` sums over them.

    `fresh` starts a row of parameters: an event's q is added up anew.
    """
    done_N = index_BN[done]
    next_N = index_BN[following]
    n_blocks = len(index_BN)
    for n in range(len(error_N)):
        error = np.float64(error_N[n])
        total = np.float64(total_N[n])
        if settles:
            done_8 = done_R8[done_N[n]]
            change = done_8[_Q] - done_8[_BEFORE]
            other = 1.0 if done_linear else total - done_8[_BEFORE]
            error -= done_8[_A] + change * other
            total += change
            error_N[n] = error
        if fresh:
            total = 0.0
            for b in range(n_blocks):
                total += next_R8[index_BN[b, n], _Q]
        total_N[n] = total
        next_8 = next_R8[next_N[n]]
        other = 1.0 if linear else total - next_8[_Q]
        next_8[_O] += other
        next_8[_OO] += other * other
        next_8[_E] += error
        next_8[_OE] += other * error


@njit(nogil=True, cache=True, fastmath=_FAST)
def _settle(error_N, total_N, done_N, done_R8, linear):
    for n in range(len(error_N)):
        done_8 = done_R8[done_N[n]]
        other = 1.0 if linear else total_N[n] - done_8[_BEFORE]
        error_N[n] -= done_8[_A] + (done_8[_Q] - done_8[_BEFORE]) * other


@njit(nogil=True, cache=True, fastmath=_FAST)
def _columns(
    start,
    stop,
    column_ptr,
    row,
    value,
    group_P,
    mean_G,
    precision_G,
    noise_precision,
    noise_P,
    parameter_P,
    cache_R8,
    crosses,
):
    """Updates a block's columns in order, from its rows alone; `crosses` is 0 for w, whose h is x."""
    for p in range(start, stop):
        low = column_ptr[p]
        high = column_ptr[p + 1]
        old = np.float64(parameter_P[p])
        pull = 0.0
        square = 0.0
        told = 0.0
        for entry in range(low, high):
            row_8 = cache_R8[row[entry]]
            x = np.float64(value[entry])
            own = crosses * (row_8[_Q] - x * old)  # h = x (own + o)
            pull += x * (own * row_8[_E] + row_8[_OE])
            square += x * x * (own * (own * row_8[_COUNT] + 2.0 * row_8[_O]) + row_8[_OO])
            told += abs(x) * row_8[_COUNT]
        mean = mean_G[group_P[p]]
        precision = precision_G[group_P[p]] + noise_precision * square
        if told == 0.0 or precision <= 0.0:
            new = mean
        else:
            gain = noise_precision * (pull + old * square) + precision_G[group_P[p]] * mean
            new = gain / precision + noise_P[p] / np.sqrt(precision)
        parameter_P[p] = new
        change = np.float64(parameter_P[p]) - old
        for entry in range(low, high):
            row_8 = cache_R8[row[entry]]
            x = np.float64(value[entry])
            own = crosses * (row_8[_Q] - x * old)
            step = x * change
            row_8[_E] -= step * (own * row_8[_COUNT] + row_8[_O])
            row_8[_OE] -= step * (own * row_8[_O] + row_8[_OO])
            row_8[_A] += step * own
            row_8[_Q] += step


def sweep_plain(x_NP, mean_KP, precision_KP, noise_precision, noise_KP, error_N, parameter_KP):
    """Is the readable twin of `sweep`, on dense features [N, P]; returns errors and parameters, float64.

    Columns are taken in order, row after row of parameters; ∂ŷ/∂v_pf = x_p (Σ_p' x_p' v_p'f − x_p v_pf).
    """
    error_N, parameter_KP = error_N.astype(float), parameter_KP.astype(float)
    for k in range(len(parameter_KP)):
        for p in range(x_NP.shape[1]):
            x_N, old = x_NP[:, p], parameter_KP[k, p]
            h_N = x_N if k == 0 else x_N * (x_NP @ parameter_KP[k] - x_N * old)
            square = h_N @ h_N
            new = mean_KP[k, p]
            if x_N.any():
                precision = precision_KP[k, p] + noise_precision * square
                gain = noise_precision * (h_N @ (error_N + h_N * old)) + precision_KP[k, p] * mean_KP[k, p]
                new = gain / precision + noise_KP[k, p] / np.sqrt(precision)
            parameter_KP[k, p] = new
            error_N -= h_N * (new - old)
    return error_N, parameter_KP
