"""The largest singular values and right vectors of a sparse matrix: what the models by SVD are made of."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import svds

from recsmith.kernels.krylov import BLOCK, largest_eigenpairs
from recsmith.kernels.sparse_product import sparse_product
from recsmith.kernels.threads import in_blocks, one_blas_thread
from recsmith.models.factorization.item_space import with_signs
from recsmith.models.factorization.shared import Rows
from recsmith.models.gigabytes import ask_for
from recsmith.types import FloatArray

_RANK_TOLERANCE = 1e-6  # of the largest singular value; what is kept is float32
_FLOAT32_TELLS = 1e-3  # of the largest: the squares of smaller ones are lost in float32
_SHORT_SIDE = 8  # D: about as many directions are met anyway
_GRAM_BYTES = 64  # an entry: a sparse product and its dense copy, then LAPACK's work and the eigenvectors


def truncated(
    matrix: sparse.csr_matrix,
    n_dims: int,
    drawn: np.random.Generator,
    *,
    name: str,
    cure: str,
    n_threads: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """Returns the largest singular values [D], in order, and V [I, D]; `drawn` gives the first directions.

    Some 7 D of the smaller side's S directions are met by products with the matrix, in float32 until all
    residuals ‖MᵀM v − σ² v‖ are below 1e-6 σ₁²; then rotated in float64. A short side costs O(S³) instead.
    Threads change no bit. Memory that is not there is refused, blaming `name`, with the `cure`.
    """
    if not matrix.data.any():
        return np.zeros(n_dims, np.float32), np.zeros((matrix.shape[1], n_dims), np.float32)
    small, large = sorted(matrix.shape)
    by_gram = small <= _SHORT_SIDE * n_dims  # products would meet most directions
    if by_gram:
        bytes_needed = _GRAM_BYTES * small**2
    else:
        bytes_needed = 4 * small * max(16 * n_dims, 8 * BLOCK) + 24 * matrix.nnz + 20 * large * n_dims
    ask_for(
        (bytes_needed + 20 * matrix.shape[1] * n_dims) / 1e9,
        name=name,
        shape=f"{n_dims:,} singular values of {matrix.shape[0]:,} users and {matrix.shape[1]:,} items",
        cure=cure,
    )
    # One BLAS thread: the sums run in one order, whatever the machine.
    with one_blas_thread():
        if by_gram:
            singular_D, vector_ID = _by_gram(matrix, n_dims)
        else:
            singular_D, vector_ID = _by_products(matrix, n_dims, drawn, n_threads)
    order = np.argsort(-singular_D, kind="stable")
    largest_D, vector_ID = singular_D[order], with_signs(vector_ID[:, order])
    # Where the rank ends, directions are arbitrary: nobody's history may be projected on them.
    nothing_D = largest_D <= _RANK_TOLERANCE * largest_D[0]
    largest_D[nothing_D], vector_ID[:, nothing_D] = 0, 0
    return largest_D.astype(np.float32), np.ascontiguousarray(vector_ID, np.float32)


def _by_products(
    matrix: sparse.csr_matrix, n_dims: int, drawn: np.random.Generator, n_threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns singular values [D] and V [I, D] from products with MᵀM or MMᵀ, whichever is smaller."""
    by_item = matrix.shape[1] <= matrix.shape[0]
    rows = matrix if by_item else matrix.T.tocsr()  # [large, small]
    there = Rows.of(rows)
    back = there.turned(rows.shape[1])

    def product(block_SK: np.ndarray) -> np.ndarray:
        return _dense(back, _dense(there, block_SK, n_threads), n_threads)

    found_SD = largest_eigenpairs(product, rows.shape[1], n_dims, drawn=drawn)[1]
    vector_SD = np.linalg.qr(found_SD.astype(np.float64))[0]
    image_LD = rows @ vector_SD
    square_D, turn_DD = np.linalg.eigh(image_LD.T @ image_LD)
    singular_D = np.sqrt(np.maximum(square_D, 0))
    if singular_D[0] < _FLOAT32_TELLS * singular_D[-1]:
        _, singular_D, right_DI = svds(matrix, n_dims, v0=drawn.standard_normal(rows.shape[1]))
        return singular_D, right_DI.T
    return singular_D, vector_SD @ turn_DD if by_item else image_LD @ (turn_DD / singular_D)


def _dense(rows: Rows, dense_CK: np.ndarray, n_threads: int) -> np.ndarray:
    """Returns X V as float32 [R, K]."""
    dense_CK = np.ascontiguousarray(dense_CK, np.float32)
    out_RK = np.empty((len(rows), dense_CK.shape[1]), np.float32)

    def work(start: int, stop: int) -> None:
        sparse_product(start, stop, rows.indptr, rows.item, rows.value, dense_CK, out_RK)

    in_blocks(work, len(rows), n_threads=n_threads)
    return out_RK


def _by_gram(matrix: sparse.csr_matrix, n_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns singular values [D] and V [I, D] from the eigenvectors of MᵀM or MMᵀ, whichever is smaller.

    Squares halve the digits: a value below 1e-7 of the largest is lost, which is below what counts as rank.
    """
    by_item = matrix.shape[1] <= matrix.shape[0]
    rows = matrix.T.tocsr() if by_item else matrix
    small = rows.shape[0]
    square = (rows @ rows.T).toarray()
    eigen_D, vector_SD = eigh(square, overwrite_a=True, subset_by_index=[small - n_dims, small - 1])
    singular_D = np.sqrt(np.maximum(eigen_D, 0))
    if by_item:
        return singular_D, vector_SD
    # V = Mᵀ U Σ⁻¹; the small ones come out of a difference of large ones, so they are made orthogonal again.
    kept_D = singular_D > _RANK_TOLERANCE * singular_D[-1]
    vector_ID = np.zeros((matrix.shape[1], n_dims))
    rough_ID = (matrix.T @ vector_SD[:, kept_D]) / singular_D[kept_D]
    vector_ID[:, kept_D] = np.linalg.qr(rough_ID[:, ::-1])[0][:, ::-1]
    return singular_D, vector_ID
