"""The largest eigenvalues of a symmetric matrix that is known by its products: block Lanczos, with thick
restarts. Golub, Underwood, The block Lanczos method for computing eigenvalues, 1977; Wu, Simon, Thick-restart
Lanczos method for large symmetric eigenvalue problems, SIAM J. Matrix Anal. Appl. 2000."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy.linalg import eigh

BLOCK = 32  # columns of a product: fewer read the matrix more often, more find less by as many operations
TOLERANCE = 1e-6  # of the largest eigenvalue: what float32 products can tell
_MOST_RESTARTS = 50


def largest_eigenpairs(
    product: Callable[[np.ndarray], np.ndarray],
    size: int,
    n_dims: int,
    *,
    drawn: np.random.Generator,
    block: int = BLOCK,
    most: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns eigenvalues [D], the largest first, and vectors [S, D] of a positive semidefinite matrix A.

    `product` gives A B of a float32 block B [S, K]. Ends when ‖A v − λ v‖ <= TOLERANCE·λ_1 for all D. `most`
    bounds the vectors that are held, of S float32 each; 16 D or 8 blocks unless given. After 50 restarts it
    gives what it has, with a `RuntimeWarning`. Under one BLAS thread the bits are the same anywhere.
    """
    most = min(size, most or max(16 * n_dims, 8 * block))
    basis_MS = np.empty((most, size), np.float32)
    inner_MM = np.zeros((most, most))  # of A in the basis
    outside_SK = drawn.standard_normal((size, min(block, size)), np.float32)
    n_held, look_at, n_restarts = 0, 4 * n_dims, 0
    while True:
        rounding = 4 * np.finfo(np.float32).eps * inner_MM[:n_held, :n_held].max(initial=0)
        new_SK = _orthonormal(outside_SK, basis_MS[:n_held], rounding)
        if not new_SK.shape[1]:  # A turns the basis into itself: what it has not met lies elsewhere
            fresh_SK = drawn.standard_normal((size, min(block, size - n_held)), np.float32)
            fresh_SK -= basis_MS[:n_held].T @ (basis_MS[:n_held] @ fresh_SK)
            new_SK = _orthonormal(fresh_SK, basis_MS[:n_held], 0)
        new_SK = new_SK[:, : most - n_held]
        n_new, n_held = new_SK.shape[1], n_held + new_SK.shape[1]
        basis_MS[n_held - n_new : n_held] = new_SK.T
        outside_SK = product(new_SK)
        inner_MK = basis_MS[:n_held] @ outside_SK
        outside_SK -= basis_MS[:n_held].T @ inner_MK
        inner_MM[:n_held, n_held - n_new : n_held] = inner_MK
        inner_MM[n_held - n_new : n_held, :n_held] = inner_MK.T
        is_full = n_held == size or (most < size and n_held + block > most)
        if n_held < look_at and not is_full:
            continue
        n_kept = min(2 * n_dims, n_held)
        value_N, vector_MN = eigh(
            inner_MM[:n_held, :n_held], subset_by_index=[n_held - n_kept, n_held - 1], driver="evr"
        )
        value_N, vector_MN = value_N[::-1], vector_MN[:, ::-1].astype(np.float32)
        # What A adds to a vector of the basis beyond the basis comes through the last block alone.
        left_SD = outside_SK @ vector_MN[n_held - n_new :, :n_dims]
        worst = np.sqrt(np.einsum("sd,sd->d", left_SD, left_SD).max())
        is_exact = n_held == size or worst <= TOLERANCE * value_N[0]
        if is_exact or n_restarts == _MOST_RESTARTS:
            if not is_exact:
                warnings.warn(
                    f"After {n_restarts} restarts a residual is {worst / value_N[0]:.1e} of the "
                    f"largest eigenvalue, not {TOLERANCE:.0e}. What was found is used as it is.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return value_N[:n_dims], basis_MS[:n_held].T @ vector_MN[:, :n_dims]
        # Residuals shrink by about the same factor with each direction that is met.
        ahead = np.log(TOLERANCE) / np.log(np.clip(worst / value_N[0], TOLERANCE / 2, 0.1))
        look_at = n_dims + int((n_held - n_dims) * ahead)
        if is_full:
            basis_MS[:n_kept] = vector_MN.T @ basis_MS[:n_held]
            inner_MM[:n_kept, :n_kept] = np.diag(value_N)
            n_held, n_restarts, look_at = n_kept, n_restarts + 1, n_kept + 2 * block


def _orthonormal(block_SK: np.ndarray, basis_MS: np.ndarray, least: float) -> np.ndarray:
    """Returns orthonormal columns that span what a block has beyond the basis and is longer than `least`.

    The basis has been taken off once; done a second time, to unit columns, that is exact to rounding.
    """
    for is_second in (False, True):
        if is_second:
            block_SK = block_SK - basis_MS.T @ (basis_MS @ block_SK)
        wide_SK = block_SK.astype(np.float64)
        square_K, turn_KK = np.linalg.eigh(wide_SK.T @ wide_SK)
        # A unit column that lost half its length was rounding.
        kept_K = square_K > (0.25 if is_second else max(least**2, 1e-14 * square_K.max(initial=0)))
        block_SK = (wide_SK @ (turn_KK[:, kept_K] / np.sqrt(square_K[kept_K])))[:, ::-1].astype(np.float32)
    return block_SK
