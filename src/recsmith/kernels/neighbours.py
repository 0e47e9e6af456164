"""Nearest rows of a sparse matrix: the neighbours behind item and user kNN.

Sarwar et al., Item-based collaborative filtering recommendation algorithms, 2001; Deshpande and Karypis,
Item-based top-N recommendation algorithms, 2004.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse

from recsmith.kernels.counting import Counter, is_countable, nearest_counted
from recsmith.kernels.heap import rise, sink, sort_best_first
from recsmith.kernels.similarity import Reference, similar_row, similarity_plain
from recsmith.kernels.threads import in_blocks


def nearest_rows(
    query_QT: sparse.csr_matrix,
    reference: Reference,
    *,
    scale_Q: np.ndarray,
    n_neighbours: int,
    own_Q: np.ndarray | None = None,
    only_with_more: bool = False,
    n_threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the codes int32 [Q, N] and similarities float32 [Q, N] of each row's nearest, nearest first.

    `Reference` says what similar means. A row with similarity ≤ 0 is no neighbour, nor is row own_Q[q];
    with `only_with_more`, neither is a row that has no column beyond those of the query. Equal similarities
    go by code, the lower first. Unused places hold code -1 and similarity 0; N is at most the number of rows.
    O(Σ_q Σ_t∈q |column t|) time, O(rows) memory a thread.
    """
    n_queries = query_QT.shape[0]
    n_kept = min(n_neighbours, len(reference))
    code_QN = np.full((n_queries, n_kept), -1, np.int32)
    similarity_QN = np.zeros((n_queries, n_kept), np.float32)
    own = np.full(n_queries, -1, np.int32) if own_Q is None else own_Q.astype(np.int32)
    counted = is_countable(query_QT, reference)
    nearest = nearest_counted if counted else _nearest_block
    arguments = (
        Counter.of(reference, query_QT).arguments(reference, query_QT, scale_Q)
        if counted
        else reference.arguments(query_QT, scale_Q)
    )

    def block(start: int, stop: int) -> None:
        nearest(start, stop, *arguments, own, only_with_more, code_QN, similarity_QN)

    if n_kept:
        in_blocks(block, n_queries, n_threads=n_threads)
    return code_QN, similarity_QN


@njit(nogil=True, cache=True)
def _nearest_block(
    start, stop, kind, plain, indptr_Q, term, x, scale_Q, indptr_T, row, y, weight_T, scale_R, size_R,
    shrinkage, min_common, own_Q, only_with_more, code_QN, similarity_QN,
):  # fmt: skip
    """Fills rows start to stop of `code_QN` and `similarity_QN`."""
    n_rows, n_kept = len(size_R), code_QN.shape[1]
    count_R = np.zeros(n_rows, np.int32)
    similarity_R = np.zeros(n_rows, np.float32)
    moment_RM = np.zeros((n_rows if kind >= 2 else 1, 6), np.float64)
    met_R = np.empty(n_rows, np.int32)
    for q in range(start, stop):
        low, high = indptr_Q[q], indptr_Q[q + 1]
        n_met = similar_row(
            kind, plain, term[low:high], x[low:high], scale_Q[q], indptr_T, row, y, weight_T, scale_R,
            shrinkage, min_common, count_R, similarity_R, moment_RM, met_R,
        )  # fmt: skip
        codes, best = code_QN[q], similarity_QN[q]
        size = np.int64(0)  # a bare 0 would compile the heap twice
        for place in range(n_met if n_met >= 0 else n_rows):
            r = np.int32(met_R[place] if n_met >= 0 else place)
            common, similarity = count_R[r], similarity_R[r]
            count_R[r] = 0
            similarity_R[r] = 0.0
            if not similarity > 0.0 or r == own_Q[q] or (only_with_more and common == size_R[r]):
                continue
            if size < n_kept:
                rise(codes, best, size, r, similarity)
                size += 1
            elif similarity > best[0] or (similarity == best[0] and r < codes[0]):
                sink(codes, best, size, r, similarity)
        sort_best_first(codes, best, size)


def nearest_rows_plain(
    query_QT: sparse.csr_matrix,
    reference: Reference,
    rows_RT: sparse.csr_matrix,
    *,
    scale_Q: np.ndarray,
    n_neighbours: int,
    own_Q: np.ndarray | None = None,
    only_with_more: bool = False,
) -> list[list[tuple[int, float]]]:
    """Is the readable twin of `nearest_rows`: every pair, then a sort; `rows_RT` is the reference as rows."""
    query, rows = dense_with_gaps(query_QT), dense_with_gaps(rows_RT)
    lists = []
    for q, x_T in enumerate(query):
        pairs = []
        for r, y_T in enumerate(rows):
            nothing_new = not (~np.isnan(y_T) & np.isnan(x_T)).any()
            if (own_Q is not None and own_Q[q] == r) or (only_with_more and nothing_new):
                continue
            similarity = np.float32(
                similarity_plain(x_T, y_T, reference, scale_x=scale_Q[q], scale_y=reference.scale_R[r])
            )
            if similarity > 0:
                pairs.append((r, float(similarity)))
        lists.append(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:n_neighbours])
    return lists


def dense_with_gaps(matrix: sparse.csr_matrix) -> np.ndarray:
    """Returns the matrix as dense float32 in which NaN marks what is not stored."""
    dense = np.full(matrix.shape, np.nan, np.float32)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    dense[rows, matrix.indices] = matrix.data
    return dense
