"""The largest singular values and right vectors of a sparse matrix: what the models by SVD are made of."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import svds

from recsmith.kernels.threads import one_blas_thread
from recsmith.models.factorization.item_space import with_signs
from recsmith.models.gigabytes import ask_for
from recsmith.types import FloatArray

_RANK_TOLERANCE = 1e-6  # of the largest singular value; what is kept is float32
_GRAM_BYTES = 64  # an entry: a sparse product and its dense copy, then LAPACK's work and the eigenvectors


def truncated(
    matrix: sparse.csr_matrix, n_dims: int, drawn: np.random.Generator, *, name: str, cure: str
) -> tuple[FloatArray, FloatArray]:
    """Returns the largest singular values [D], in order, and V [I, D]; `drawn` gives the first direction.

    A few hundred products with the matrix; half of the smaller side S and more cost O(S³). Memory that is not
    there is refused, blaming `name`, with the `cure`.
    """
    if not matrix.data.any():
        return np.zeros(n_dims, np.float32), np.zeros((matrix.shape[1], n_dims), np.float32)
    small, large = sorted(matrix.shape)
    by_gram = 2 * n_dims >= small  # the iterative solver cannot give all, and is slow for most
    basis = min(2 * n_dims + 1, small)  # ARPACK's own vectors
    bytes_needed = _GRAM_BYTES * small**2 if by_gram else 8 * (small * (basis + n_dims) + large * n_dims)
    ask_for(
        (bytes_needed + 20 * matrix.shape[1] * n_dims) / 1e9,
        name=name,
        shape=f"{n_dims:,} singular values of {matrix.shape[0]:,} users and {matrix.shape[1]:,} items",
        cure=cure,
    )
    # One BLAS thread: the sums run in one order, whatever the machine, and the matrix is sparse anyway.
    with one_blas_thread():
        if by_gram:
            singular_D, vector_ID = _by_gram(matrix, n_dims)
        else:
            _, singular_D, right_DI = svds(matrix, n_dims, v0=drawn.standard_normal(small))
            vector_ID = right_DI.T
    order = np.argsort(-singular_D, kind="stable")
    largest_D, vector_ID = singular_D[order], with_signs(vector_ID[:, order])
    # Where the rank ends, directions are arbitrary: nobody's history may be projected on them.
    nothing_D = largest_D <= _RANK_TOLERANCE * largest_D[0]
    largest_D[nothing_D], vector_ID[:, nothing_D] = 0, 0
    return largest_D.astype(np.float32), np.ascontiguousarray(vector_ID, np.float32)


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
