"""Weighted ridge regression of many rows on shared vectors, solved exactly: the half-step of implicit ALS
and the fold-in of every factor model. Hu, Koren, Volinsky 2008; Rendle et al., Revisiting iALS, 2021."""

from __future__ import annotations

import numpy as np
from numba import njit

_FAST = {"contract", "reassoc", "nsz"}  # no nnan, no ninf: a NaN must stay a NaN
_PACK = 8


@njit(nogil=True, cache=True, fastmath=_FAST)
def ridge_rows(
    start, stop, indptr, item, weight, target, vector_ID, base_DD, regularization_B, out_BD, loss_B
):
    """Writes the solutions of rows start to stop into `out_BD`, and what each loses into `loss_B`.

    Row b minimises  Σ_l c_l (t_l − w·v_l)² + wᵀ G w + λ_b |w|²  over its events l, where c is `weight`, t
    `target`, G `base_DD` (symmetric; its lower half is read) and λ `regularization_B` > 0. All are float32
    but `indptr` int64 and `item` int32. A row without events gets zeros.
    Cholesky: O(events·D² + rows·D³) time, O(D²) memory.
    """
    n_dims = vector_ID.shape[1]
    matrix_DD = np.empty((n_dims, n_dims), np.float32)
    right_D = np.empty(n_dims, np.float32)
    pack_PD = np.empty((_PACK, n_dims), np.float32)
    for row in range(start, stop):
        low = indptr[row]
        high = indptr[row + 1]
        solution_D = out_BD[row]
        if low == high:
            solution_D[:] = 0.0
            loss_B[row] = 0.0
            continue
        right_D[:] = 0.0
        loss = np.float32(0.0)
        for event in range(low, high):
            pull = weight[event] * target[event]
            vector_D = vector_ID[item[event]]
            loss += pull * target[event]
            for d in range(n_dims):
                right_D[d] += pull * vector_D[d]
        for a in range(n_dims):
            for b in range(a + 1):
                matrix_DD[a, b] = base_DD[a, b]
            matrix_DD[a, a] += regularization_B[row]
        _add_outer_products(low, high, item, weight, vector_ID, pack_PD, matrix_DD)
        _cholesky(matrix_DD)
        _solve(matrix_DD, right_D, solution_D)
        # At the solution A w = b, so the sum above is Σ c t² − bᵀw.
        for d in range(n_dims):
            loss -= right_D[d] * solution_D[d]
        loss_B[row] = loss


@njit(nogil=True, cache=True, fastmath=_FAST)
def gramian(start, stop, vector_ID, out_DD):
    """Writes the lower half of Σ v vᵀ over vectors start to stop. O(vectors·D²)."""
    n_dims = vector_ID.shape[1]
    item = np.arange(start, stop).astype(np.int32)
    weight = np.ones(stop - start, np.float32)
    out_DD[:] = 0.0
    _add_outer_products(
        0, stop - start, item, weight, vector_ID, np.empty((_PACK, n_dims), np.float32), out_DD
    )


@njit(nogil=True, cache=True, fastmath=_FAST)
def _add_outer_products(low, high, item, weight, vector_ID, pack_PD, matrix_DD):
    """Adds Σ c v vᵀ to the lower half.

    Eight events are copied together, so that each entry of the matrix is loaded an eighth as often.
    """
    n_dims = vector_ID.shape[1]
    c = np.empty(_PACK, np.float32)
    for first in range(low, high, _PACK):
        n_packed = min(_PACK, high - first)
        for k in range(_PACK):
            if k < n_packed:
                c[k] = weight[first + k]
                vector_D = vector_ID[item[first + k]]
                for d in range(n_dims):
                    pack_PD[k, d] = vector_D[d]
            else:
                c[k] = 0.0
                pack_PD[k, :] = 0.0
        for a in range(n_dims):
            x0 = c[0] * pack_PD[0, a]
            x1 = c[1] * pack_PD[1, a]
            x2 = c[2] * pack_PD[2, a]
            x3 = c[3] * pack_PD[3, a]
            x4 = c[4] * pack_PD[4, a]
            x5 = c[5] * pack_PD[5, a]
            x6 = c[6] * pack_PD[6, a]
            x7 = c[7] * pack_PD[7, a]
            for b in range(a + 1):
                matrix_DD[a, b] += (
                    x0 * pack_PD[0, b]
                    + x1 * pack_PD[1, b]
                    + x2 * pack_PD[2, b]
                    + x3 * pack_PD[3, b]
                    + x4 * pack_PD[4, b]
                    + x5 * pack_PD[5, b]
                    + x6 * pack_PD[6, b]
                    + x7 * pack_PD[7, b]
                )


@njit(nogil=True, cache=True, fastmath=_FAST)
def _cholesky(matrix_DD):
    """Replaces the lower half by L of A = L Lᵀ, with 1 / L_aa on the diagonal."""
    for a in range(matrix_DD.shape[0]):
        for b in range(a):
            total = matrix_DD[a, b]
            for k in range(b):
                total -= matrix_DD[a, k] * matrix_DD[b, k]
            matrix_DD[a, b] = total * matrix_DD[b, b]
        total = matrix_DD[a, a]
        for k in range(a):
            total -= matrix_DD[a, k] * matrix_DD[a, k]
        matrix_DD[a, a] = np.float32(1.0) / np.sqrt(total)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _solve(factor_DD, right_D, solution_D):
    """Solves L Lᵀ w = b, by rows of L both ways."""
    n_dims = factor_DD.shape[0]
    for a in range(n_dims):
        total = right_D[a]
        for b in range(a):
            total -= factor_DD[a, b] * solution_D[b]
        solution_D[a] = total * factor_DD[a, a]
    for a in range(n_dims - 1, -1, -1):
        value = solution_D[a] * factor_DD[a, a]
        solution_D[a] = value
        for b in range(a):
            solution_D[b] -= factor_DD[a, b] * value


def ridge_contributions(
    item: np.ndarray,
    weight: np.ndarray,
    target: np.ndarray,
    vector_ID: np.ndarray,
    base_DD: np.ndarray,
    regularization: float,
    asked_KD: np.ndarray,
) -> np.ndarray:
    """Returns what each event of one row adds to the products w·v of the asked vectors, float64 [L, K].

    w = A⁻¹ Σ c t v, so an event adds c t · vᵀ A⁻¹ v_asked; the columns sum to w·v_asked. One exact
    decomposition for all ridge fold-ins (Hu, Koren, Volinsky 2008, section 5).
    """
    vector_LD = vector_ID[item].astype(np.float64)
    c_L = weight.astype(np.float64)
    matrix_DD = base_DD.astype(np.float64) + regularization * np.eye(vector_ID.shape[1])
    matrix_DD += (vector_LD * c_L[:, None]).T @ vector_LD
    answer_DK = np.linalg.solve(matrix_DD, asked_KD.astype(np.float64).T)
    return (c_L * target)[:, None] * (vector_LD @ answer_DK)


def ridge_rows_plain(
    indptr: np.ndarray,
    item: np.ndarray,
    weight: np.ndarray,
    target: np.ndarray,
    vector_ID: np.ndarray,
    base_DD: np.ndarray,
    regularization_B: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Is the readable twin of `ridge_rows` for all rows, in float64: returns solutions and losses."""
    out_BD, loss_B = np.zeros((len(indptr) - 1, vector_ID.shape[1])), np.zeros(len(indptr) - 1)
    for row in range(len(indptr) - 1):
        events = slice(indptr[row], indptr[row + 1])
        if events.start == events.stop:
            continue
        vector_LD, c_L, t_L = vector_ID[item[events]].astype(float), weight[events], target[events]
        ridge_DD = base_DD + regularization_B[row] * np.eye(vector_ID.shape[1])
        w_D = np.linalg.solve(vector_LD.T @ (c_L[:, None] * vector_LD) + ridge_DD, vector_LD.T @ (c_L * t_L))
        out_BD[row] = w_D
        loss_B[row] = (c_L * (t_L - vector_LD @ w_D) ** 2).sum() + w_D @ ridge_DD @ w_D
    return out_BD, loss_B
