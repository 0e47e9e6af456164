"""The inverse of a large symmetric positive definite matrix in its own memory, on all threads, with the same
bits on any number of them. A blocked sweep operator: Goodnight, A tutorial on the SWEEP operator, 1979."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from recsmith.kernels.blas import subtract_product
from recsmith.kernels.threads import in_blocks, one_blas_thread

BLOCK = 256  # wider costs more operations, narrower more passes over the matrix; 192 to 384 are level
_CORNER = 64


def invert_spd(matrix_II: np.ndarray, *, n_threads: int = 1, block: int = BLOCK) -> None:
    """Replaces a matrix, of which only the lower half is read, by its whole inverse.

    Each block of columns k is swept in turn: with D = A_kk⁻¹ and T = A_:k D,
    A_ij ← A_ij − T_i A_kj, A_ik ← T_i, A_kk ← −D; after all sweeps A holds −A⁻¹.
    O(I³): I³ multiplications and additions together, and 2.5·I²·block more, all but few in matrix products of
    one BLAS thread each, in place; working memory 2·I·block. Raises `numpy.linalg.LinAlgError` when the
    matrix is not positive definite.
    """
    n = len(matrix_II)
    for low in range(0, n, block):  # whole blocks are updated below: nothing unwritten may take part
        corner_KK = matrix_II[low : low + block, low : low + block]
        corner_KK[np.triu_indices(len(corner_KK), 1)] = 0
    with one_blas_thread():
        for first in range(0, n, block):
            last = min(first + block, n)
            inverse_KK = _small_inverse(matrix_II[first:last, first:last])
            column_IK = np.empty((n, last - first), matrix_II.dtype)
            column_IK[:first] = matrix_II[first:last, :first].T
            column_IK[last:] = matrix_II[last:, first:last]
            column_IK[first:last] = 0  # leaves the rows of the block itself as they are
            swept_IK = column_IK @ inverse_KK

            def work(
                start: int, stop: int, column_IK: np.ndarray = column_IK, swept_IK: np.ndarray = swept_IK
            ) -> None:
                for low in range(start * block, min(stop * block, n), block):
                    high = min(low + block, n)
                    subtract_product(matrix_II[low:high, :low], swept_IK[low:high], column_IK[:low])
                    for top in range(low, high, _CORNER):  # the corner, not much beyond its lower half
                        end = min(top + _CORNER, high)
                        subtract_product(matrix_II[top:end, low:end], swept_IK[top:end], column_IK[low:end])

            in_blocks(work, -(-n // block), n_threads=n_threads, smallest=1)
            matrix_II[first:last, :first] = swept_IK[:first].T
            matrix_II[last:, first:last] = swept_IK[last:]
            matrix_II[first:last, first:last] = -inverse_KK
    for low in range(0, n, block):
        high = min(low + block, n)
        matrix_II[low:high, :low] *= -1
        corner = -np.tril(matrix_II[low:high, low:high])
        matrix_II[low:high, low:high] = corner + np.tril(corner, -1).T
        matrix_II[:low, low:high] = matrix_II[low:high, :low].T


def _small_inverse(lower_KK: np.ndarray) -> np.ndarray:
    """Returns the inverse of a small block by LAPACK; its lower half is read."""
    single = lower_KK.dtype == np.float32
    potrf, potri = (lapack.spotrf, lapack.spotri) if single else (lapack.dpotrf, lapack.dpotri)
    factor_KK, failed = potrf(lower_KK, lower=1, clean=1)
    if not failed:
        inverse_KK, failed = potri(factor_KK, lower=1)
    if failed or not np.isfinite(inverse_KK).all():
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    return np.ascontiguousarray(inverse_KK + np.tril(inverse_KK, -1).T)
