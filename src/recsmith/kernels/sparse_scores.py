"""Scores of histories against a sparse matrix of items: what every kind of neighbour model ends in."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse

from recsmith.kernels.similarity import csr_arrays
from recsmith.kernels.threads import in_blocks


def sparse_scores(
    weight_BS: sparse.csr_matrix, matrix_SI: sparse.csr_matrix, *, n_threads: int = 1
) -> np.ndarray:
    """Returns score_bi = Σ_s w_bs m_si as dense float32 [B, I], -inf where no term is stored.

    The sum runs in the order of the stored entries, so a row's score is the same in any block.
    O(Σ_b Σ_s∈b |row s| + B·I).
    """
    arguments = (*csr_arrays(weight_BS), *csr_arrays(matrix_SI))
    score_BI = np.empty((weight_BS.shape[0], matrix_SI.shape[1]), np.float32)

    def block(start: int, stop: int) -> None:
        score_rows(start, stop, *arguments, score_BI)

    in_blocks(block, weight_BS.shape[0], n_threads=n_threads)
    return score_BI


@njit(nogil=True, cache=True)
def score_rows(start, stop, indptr_B, source, weight, indptr_S, item, value, score_BI):
    """Fills rows start to stop of `score_BI`; types as `csr_arrays` gives them."""
    for b in range(start, stop):
        score_I = score_BI[b]
        score_I[:] = -np.inf
        for event in range(indptr_B[b], indptr_B[b + 1]):
            s = source[event]
            w = weight[event]
            for entry in range(indptr_S[s], indptr_S[s + 1]):
                i = np.uint32(item[entry])
                before = score_I[i]
                added = w * value[entry]
                score_I[i] = added if before == -np.inf else before + added


def sparse_scores_plain(weight_BS: sparse.csr_matrix, matrix_SI: sparse.csr_matrix) -> np.ndarray:
    """Is the readable twin of `sparse_scores`."""
    score_BI = np.full((weight_BS.shape[0], matrix_SI.shape[1]), -np.inf)
    for b in range(len(score_BI)):
        for event in range(weight_BS.indptr[b], weight_BS.indptr[b + 1]):
            s = weight_BS.indices[event]
            for entry in range(matrix_SI.indptr[s], matrix_SI.indptr[s + 1]):
                i = matrix_SI.indices[entry]
                added = weight_BS.data[event] * matrix_SI.data[entry]
                score_BI[b, i] = added if score_BI[b, i] == -np.inf else score_BI[b, i] + added
    return score_BI.astype(np.float32)
