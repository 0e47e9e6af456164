"""Weighted ridge regression of many rows by a few conjugate gradient steps: implicit ALS without forming a
matrix for each row. Takács, Pilászy, Tikk, Applications of the conjugate gradient method for implicit
feedback collaborative filtering, RecSys 2011."""

from __future__ import annotations

import numpy as np
from numba import njit

_FAST = {"contract", "reassoc", "nsz"}
_NOTHING = np.float32(1e-20)


@njit(nogil=True, cache=True, fastmath=_FAST)
def conjugate_rows(
    start,
    stop,
    n_steps,
    tolerance,
    indptr,
    item,
    weight,
    target,
    vector_ID,
    base_DD,
    regularization_B,
    out_BD,
    loss_B,
):
    """Improves the solutions of rows start to stop in `out_BD`, from where they are.

    The problem and the arguments are those of `ridge.ridge_rows`, but both halves of `base_DD` are read.
    A row takes `n_steps` steps at most and ends when |residual| ≤ tolerance·λ|w|: no eigenvalue is below λ,
    so w is then within tolerance·|w| of the solution. Returns how many rows did not come so far.
    O((events·D + rows·D²)·n_steps) time, O(D) memory.
    """
    n_dims = vector_ID.shape[1]
    residual_D = np.empty(n_dims, np.float32)
    direction_D = np.empty(n_dims, np.float32)
    image_D = np.empty(n_dims, np.float32)
    n_left = 0
    for row in range(start, stop):
        low = indptr[row]
        high = indptr[row + 1]
        solution_D = out_BD[row]
        loss_B[row] = 0.0
        if low == high:
            solution_D[:] = 0.0
            continue
        ridge = regularization_B[row]
        # The gradient's half, A w − b, and wᵀAw − 2bᵀw + Σct², in one pass.
        loss = _apply(
            low, high, item, weight, target, np.float32(1.0), vector_ID, base_DD, ridge, solution_D, image_D
        )
        squared = np.float32(0.0)
        size = np.float32(0.0)
        for d in range(n_dims):
            residual_D[d] = -image_D[d]
            direction_D[d] = residual_D[d]
            squared += residual_D[d] * residual_D[d]
            size += solution_D[d] * solution_D[d]
        near = np.float32(tolerance * tolerance) * ridge * ridge
        for _ in range(n_steps):
            if squared <= max(near * size, _NOTHING):
                break
            curvature = _apply(
                low,
                high,
                item,
                weight,
                target,
                np.float32(0.0),
                vector_ID,
                base_DD,
                ridge,
                direction_D,
                image_D,
            )
            step = squared / curvature
            loss -= step * squared
            squared_next = np.float32(0.0)
            size = np.float32(0.0)
            for d in range(n_dims):
                solution_D[d] += step * direction_D[d]
                residual_D[d] -= step * image_D[d]
                squared_next += residual_D[d] * residual_D[d]
                size += solution_D[d] * solution_D[d]
            turn = squared_next / squared
            squared = squared_next
            for d in range(n_dims):
                direction_D[d] = residual_D[d] + turn * direction_D[d]
        n_left += not squared <= max(near * size, _NOTHING)
        loss_B[row] = loss
    return n_left


@njit(nogil=True, cache=True, fastmath=_FAST)
def _apply(low, high, item, weight, target, share, vector_ID, base_DD, regularization, x_D, out_D):
    """Writes (G + λ) x + Σ c (v·x − share t) v; returns xᵀ(G + λ)x + Σ c (v·x − share t)².

    Four rows and events a pass, to load `out_D` a quarter as often.
    """
    n_dims = x_D.shape[0]
    for d in range(n_dims):
        out_D[d] = regularization * x_D[d]
    n_by_four = n_dims - n_dims % 4
    for a in range(0, n_by_four, 4):
        for d in range(n_dims):
            out_D[d] += (
                x_D[a] * base_DD[a, d]
                + x_D[a + 1] * base_DD[a + 1, d]
                + x_D[a + 2] * base_DD[a + 2, d]
                + x_D[a + 3] * base_DD[a + 3, d]
            )
    for a in range(n_by_four, n_dims):
        for d in range(n_dims):
            out_D[d] += x_D[a] * base_DD[a, d]
    total = np.float32(0.0)
    for d in range(n_dims):
        total += x_D[d] * out_D[d]
    event = low
    while event + 4 <= high:
        v0_D = vector_ID[item[event]]
        v1_D = vector_ID[item[event + 1]]
        v2_D = vector_ID[item[event + 2]]
        v3_D = vector_ID[item[event + 3]]
        s0 = np.float32(0.0)
        s1 = np.float32(0.0)
        s2 = np.float32(0.0)
        s3 = np.float32(0.0)
        for d in range(n_dims):
            s0 += v0_D[d] * x_D[d]
            s1 += v1_D[d] * x_D[d]
            s2 += v2_D[d] * x_D[d]
            s3 += v3_D[d] * x_D[d]
        s0 -= share * target[event]
        total += weight[event] * s0 * s0
        s0 *= weight[event]
        s1 -= share * target[event + 1]
        total += weight[event + 1] * s1 * s1
        s1 *= weight[event + 1]
        s2 -= share * target[event + 2]
        total += weight[event + 2] * s2 * s2
        s2 *= weight[event + 2]
        s3 -= share * target[event + 3]
        total += weight[event + 3] * s3 * s3
        s3 *= weight[event + 3]
        for d in range(n_dims):
            out_D[d] += s0 * v0_D[d] + s1 * v1_D[d] + s2 * v2_D[d] + s3 * v3_D[d]
        event += 4
    while event < high:
        v0_D = vector_ID[item[event]]
        s0 = np.float32(0.0)
        for d in range(n_dims):
            s0 += v0_D[d] * x_D[d]
        s0 -= share * target[event]
        total += weight[event] * s0 * s0
        s0 *= weight[event]
        for d in range(n_dims):
            out_D[d] += s0 * v0_D[d]
        event += 1
    return total


def conjugate_row_plain(
    matrix_DD: np.ndarray, right_D: np.ndarray, start_D: np.ndarray, n_steps: int
) -> np.ndarray:
    """Is the readable twin for one row whose matrix A and right side b are given: Hestenes and Stiefel."""
    solution_D = start_D.astype(float)
    residual_D = right_D - matrix_DD @ solution_D
    direction_D = residual_D
    for _ in range(n_steps):
        squared = residual_D @ residual_D
        if squared < 1e-20:
            break
        image_D = matrix_DD @ direction_D
        step = squared / (direction_D @ image_D)
        solution_D = solution_D + step * direction_D
        residual_D = residual_D - step * image_D
        direction_D = residual_D + (residual_D @ residual_D) / squared * direction_D
    return solution_D
