"""Weighted mean of the nearest rows that have an answer: rating prediction by neighbours.

Herlocker et al., An algorithmic framework for performing collaborative filtering, 1999.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse

from recsmith.kernels.heap import rise, sink, sort_best_first
from recsmith.kernels.neighbours import dense_with_gaps
from recsmith.kernels.similarity import Reference, csr_arrays, similar_row, similarity_plain
from recsmith.kernels.threads import in_blocks


def mean_of_nearest(
    query_QT: sparse.csr_matrix,
    reference: Reference,
    *,
    scale_Q: np.ndarray,
    n_neighbours: int,
    answer_IR: sparse.csr_matrix,
    wanted_QI: sparse.csr_matrix,
    amplification: float = 1.0,
    n_threads: int = 1,
) -> np.ndarray:
    """Returns Σ sᵃ y / Σ sᵃ for each stored entry of `wanted_QI`, in its order, float32.

    Entry (q, i) asks for row i of `answer_IR`: the sums run over the `n_neighbours` rows r most similar to q
    among those with a stored answer y_ir, s their similarity, a the amplification. Rows with similarity ≤ 0
    or without a column beyond those of the query are left out, ties go by code as in `nearest_rows`. NaN
    where no row is left. O(Σ_t∈q |column t| + Σ_i |row i|) a query.
    """
    n_queries = query_QT.shape[0]
    answers = answer_IR.sorted_indices()
    arguments = reference.arguments(query_QT, scale_Q)
    wanted_indptr, wanted_item, _ = csr_arrays(wanted_QI)
    out = np.full(len(wanted_item), np.nan, np.float32)
    n_kept = min(n_neighbours, len(reference))
    rest = (wanted_indptr, wanted_item, *csr_arrays(answers), n_kept, float(amplification), out)

    def block(start: int, stop: int) -> None:
        _mean_block(start, stop, *arguments, *rest)

    in_blocks(block, n_queries, n_threads=n_threads)
    return out


@njit(nogil=True, cache=True)
def _mean_block(
    start, stop, kind, plain, indptr_Q, term, x, scale_Q, indptr_T, row, y, weight_T, scale_R, size_R,
    shrinkage, min_common, wanted_indptr, wanted_item, answer_indptr, answer_row, answer,
    n_neighbours, amplification, out,
):  # fmt: skip
    """Fills the entries of `out` that queries start to stop ask for."""
    n_rows = len(size_R)
    count_R = np.zeros(n_rows, np.int32)
    similarity_R = np.zeros(n_rows, np.float32)
    moment_RM = np.zeros((n_rows if kind >= 2 else 1, 6), np.float64)
    met_R = np.empty(n_rows, np.int32)
    # The heap's codes are places in the list of answers, which ascend with the rows' codes: one tie rule.
    place_N = np.empty(n_neighbours, np.int32)
    best_N = np.empty(n_neighbours, np.float32)
    for q in range(start, stop):
        if wanted_indptr[q] == wanted_indptr[q + 1]:
            continue
        low, high = indptr_Q[q], indptr_Q[q + 1]
        n_met = similar_row(
            kind, plain, term[low:high], x[low:high], scale_Q[q], indptr_T, row, y, weight_T, scale_R,
            shrinkage, min_common, count_R, similarity_R, moment_RM, met_R,
        )  # fmt: skip
        for ask in range(wanted_indptr[q], wanted_indptr[q + 1]):
            first = answer_indptr[wanted_item[ask]]
            size = np.int64(0)  # a bare 0 would compile the heap twice
            for place in range(answer_indptr[wanted_item[ask] + 1] - first):
                r = answer_row[first + place]
                similarity = similarity_R[r]
                if not similarity > 0.0 or count_R[r] == size_R[r]:
                    continue
                if size < n_neighbours:
                    rise(place_N, best_N, size, np.int32(place), similarity)
                    size += 1
                elif similarity > best_N[0]:
                    sink(place_N, best_N, size, np.int32(place), similarity)
            sort_best_first(place_N, best_N, size)  # so that the sums have one order
            above = below = 0.0
            for n in range(size):
                weight = np.float64(best_N[n]) ** amplification
                above += weight * answer[first + place_N[n]]
                below += weight
            if below > 0.0:
                out[ask] = above / below
        for place in range(n_met if n_met >= 0 else n_rows):
            r = met_R[place] if n_met >= 0 else place
            count_R[r] = 0
            similarity_R[r] = 0.0


def mean_of_nearest_plain(
    query_QT: sparse.csr_matrix,
    reference: Reference,
    rows_RT: sparse.csr_matrix,
    *,
    scale_Q: np.ndarray,
    n_neighbours: int,
    answer_IR: sparse.csr_matrix,
    wanted_QI: sparse.csr_matrix,
    amplification: float = 1.0,
) -> np.ndarray:
    """Is the readable twin of `mean_of_nearest`; `rows_RT` is the reference as rows."""
    query, rows, answers = dense_with_gaps(query_QT), dense_with_gaps(rows_RT), dense_with_gaps(answer_IR)
    out = []
    for q, x_T in enumerate(query):
        similarity_R = [
            np.float32(similarity_plain(x_T, y_T, reference, scale_x=scale_Q[q], scale_y=scale))
            for y_T, scale in zip(rows, reference.scale_R, strict=True)
        ]
        for item in wanted_QI.indices[wanted_QI.indptr[q] : wanted_QI.indptr[q + 1]]:
            more = [(~np.isnan(y_T) & np.isnan(x_T)).any() for y_T in rows]
            able = [r for r in np.flatnonzero(~np.isnan(answers[item])) if similarity_R[r] > 0 and more[r]]
            nearest = sorted(able, key=lambda r: (-similarity_R[r], r))[:n_neighbours]
            weights = [float(similarity_R[r]) ** amplification for r in nearest]
            values = [float(answers[item, r]) for r in nearest]
            out.append(np.average(values, weights=weights) if nearest else np.nan)
    return np.array(out, np.float32)
