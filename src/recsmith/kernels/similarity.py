"""Similarity of one sparse row to every row of a reference: cosine, Jaccard, Pearson, adjusted cosine.

Row by row with a dense accumulator, after Gustavson, Two fast algorithms for sparse matrices, 1978.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from scipy import sparse

Kind = Literal["cosine", "jaccard", "pearson", "adjusted_cosine"]

COSINE, JACCARD, _PEARSON, _ADJUSTED = 0, 1, 2, 3
CODES = {"cosine": COSINE, "jaccard": JACCARD, "pearson": _PEARSON, "adjusted_cosine": _ADJUSTED}
_NO_VARIANCE = 1e-10  # of the second moment: what rounding leaves of a variance that is 0 on paper


@dataclass(frozen=True, eq=False)
class Reference:
    """Holds the rows to compare with, turned to lists by column, and what "similar" means.

    With w_t the weight of a column and sums over the columns t that rows q and r both have stored,

    - cosine: scale_q · scale_r · Σ w x y, with scale = 1 / norm;
    - jaccard: Σ w x y / (scale_q + scale_r − Σ w x y), with scale = the size of the row's set;
    - pearson: Σ w (x − x̄)(y − ȳ) / sqrt(Σ w (x − x̄)² · Σ w (y − ȳ)²), the means over those t alone;
    - adjusted_cosine: Σ w x y / sqrt(Σ w x² · Σ w y²), of values the caller has centred;

    each times c / (c + shrinkage) for c common columns, and 0 below `min_common` of them.
    Column t is entries indptr_T[t] to indptr_T[t + 1] of `row` int32, ascending, and `value` float32.
    `size_R` int32 counts a row's entries, `scale_R` float64, `weight_T` float32.
    """

    kind: Kind
    indptr_T: np.ndarray
    row: np.ndarray
    value: np.ndarray
    weight_T: np.ndarray
    scale_R: np.ndarray
    size_R: np.ndarray
    plain: bool
    """True when every value and weight is 1, so that counting is enough."""
    shrinkage: float = 0.0
    min_common: int = 1

    @classmethod
    def of(
        cls,
        matrix_RT: sparse.csr_matrix,
        *,
        kind: Kind,
        scale_R: np.ndarray,
        weight_T: np.ndarray | None = None,
        shrinkage: float = 0.0,
        min_common: int = 1,
    ) -> Reference:
        """Returns the reference of a CSR matrix; stored zeros count as entries."""
        columns = matrix_RT.tocsc()
        columns.sort_indices()
        weights = np.ones(matrix_RT.shape[1], np.float32) if weight_T is None else weight_T
        return cls(
            kind,
            *csr_arrays(columns),
            weights.astype(np.float32),
            scale_R.astype(np.float64),
            np.diff(matrix_RT.indptr).astype(np.int32),
            bool((columns.data == 1).all() and (weights == 1).all()),
            float(shrinkage),
            int(min_common),
        )

    def __len__(self) -> int:
        return len(self.size_R)

    def arguments(self, query_QT: sparse.csr_matrix, scale_Q: np.ndarray) -> tuple:
        """Returns what the kernels take, in the one set of types they are compiled for."""
        return (
            CODES[self.kind],
            self.plain and bool((query_QT.data == 1).all()),
            *csr_arrays(query_QT),
            scale_Q.astype(np.float64),
            self.indptr_T,
            self.row,
            self.value,
            self.weight_T,
            self.scale_R,
            self.size_R,
            self.shrinkage,
            self.min_common,
        )


def csr_arrays(matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns indptr int64, indices int32 and data float32: views where the types are so already."""
    return (
        matrix.indptr.astype(np.int64, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )


@njit(nogil=True, cache=True)
def similar_row(
    kind, plain, term_L, x_L, scale, indptr_T, row, y, weight_T, scale_R, shrinkage, min_common,
    count_R, similarity_R, moment_RM, met_R,
):  # fmt: skip
    """Adds up one query: the common columns into `count_R`, the similarities into `similarity_R`.

    Both come in as zeros (so does `moment_RM`, float64 with 6 columns, or any size when it is not used) and
    the caller sets them back. Returns how many rows were met, listed in `met_R`; or -1 when that may be so
    many that going through all rows is cheaper. O(Σ_t |column t|).
    """
    n_rows = len(scale_R)
    work = 0
    for t in term_L:
        work += indptr_T[t + 1] - indptr_T[t]
    n_met = -1
    if 4 * work < n_rows:
        n_met = _list_met(term_L, indptr_T, row, count_R, met_R)
    if kind >= _PEARSON:
        _add_moments(term_L, x_L, indptr_T, row, y, weight_T, count_R, moment_RM)
    elif plain:
        _add_counts(term_L, indptr_T, row, count_R)
    else:
        _add_products(term_L, x_L, indptr_T, row, y, weight_T, count_R, similarity_R)
    for place in range(n_met if n_met >= 0 else n_rows):
        r = met_R[place] if n_met >= 0 else place
        common = count_R[r]
        if common == 0:
            continue
        product = np.float64(common) if plain else np.float64(similarity_R[r])
        if common < min_common:
            similarity = 0.0
        elif kind == COSINE:
            similarity = product * (scale * scale_R[r])
        elif kind == JACCARD:
            union = scale + scale_R[r] - product
            similarity = product / union if union > 0.0 else 0.0
        else:
            similarity = _from_moments(moment_RM[r], kind == _PEARSON)
        if kind >= _PEARSON:
            for m in range(6):
                moment_RM[r, m] = 0.0
        # Worked out in double and rounded once: what is equal on paper is equal here, so ties are ties.
        similarity_R[r] = similarity * (common / (common + shrinkage))
    return n_met


@njit(nogil=True, cache=True)
def _list_met(term_L, indptr_T, row, count_R, met_R):
    """Lists each row that shares a column once; leaves `count_R` at zeros."""
    n_met = 0
    for t in term_L:
        for entry in range(indptr_T[t], indptr_T[t + 1]):
            r = row[entry]
            if count_R[r] == 0:
                count_R[r] = 1
                met_R[n_met] = r
                n_met += 1
    for place in range(n_met):
        count_R[met_R[place]] = 0
    return n_met


@njit(nogil=True, cache=True)
def _add_counts(term_L, indptr_T, row, count_R):
    for t in term_L:
        for entry in range(indptr_T[t], indptr_T[t + 1]):
            count_R[np.uint32(row[entry])] += 1  # unsigned: no test for a negative index


@njit(nogil=True, cache=True)
def _add_products(term_L, x_L, indptr_T, row, y, weight_T, count_R, product_R):
    for place in range(len(term_L)):
        t = term_L[place]
        weighted = weight_T[t] * x_L[place]
        for entry in range(indptr_T[t], indptr_T[t + 1]):
            r = np.uint32(row[entry])
            count_R[r] += 1
            product_R[r] += weighted * y[entry]


@njit(nogil=True, cache=True)
def _add_moments(term_L, x_L, indptr_T, row, y, weight_T, count_R, moment_RM):
    """Adds w, w x, w y, w x², w y², w x y in double: a variance is a small difference of large sums."""
    for place in range(len(term_L)):
        t = term_L[place]
        w = np.float64(weight_T[t])
        a = np.float64(x_L[place])
        for entry in range(indptr_T[t], indptr_T[t + 1]):
            r = np.uint32(row[entry])
            b = np.float64(y[entry])
            count_R[r] += 1
            moment_RM[r, 0] += w
            moment_RM[r, 1] += w * a
            moment_RM[r, 2] += w * b
            moment_RM[r, 3] += w * (a * a)
            moment_RM[r, 4] += w * (b * b)
            moment_RM[r, 5] += w * (a * b)


@njit(nogil=True, cache=True)
def _from_moments(moment_M, centred):
    """Returns Σ w x y / sqrt(Σ w x² · Σ w y²), about the weighted means if `centred`; 0 without variance."""
    total, sum_x, sum_y = moment_M[0], moment_M[1], moment_M[2]
    square_x, square_y, product = moment_M[3], moment_M[4], moment_M[5]
    if not total > 0.0:
        return 0.0
    if centred:
        product -= sum_x * sum_y / total
        square_x -= sum_x * sum_x / total
        square_y -= sum_y * sum_y / total
    if square_x <= _NO_VARIANCE * moment_M[3] or square_y <= _NO_VARIANCE * moment_M[4]:
        return 0.0
    return product / np.sqrt(square_x * square_y)


def similarity_plain(
    x_T: np.ndarray, y_T: np.ndarray, reference: Reference, *, scale_x: float, scale_y: float
) -> float:
    """Is the readable twin: the similarity of two dense rows in which NaN marks what is not stored."""
    both = ~np.isnan(x_T) & ~np.isnan(y_T)
    x, y, w = x_T[both].astype(float), y_T[both].astype(float), reference.weight_T[both].astype(float)
    common = int(both.sum())
    if common == 0 or common < reference.min_common:
        return 0.0
    if reference.kind == "cosine":
        similarity = (w * x * y).sum() * scale_x * scale_y
    elif reference.kind == "jaccard":
        shared = (w * x * y).sum()
        union = scale_x + scale_y - shared
        similarity = shared / union if union > 0 else 0.0
    else:
        if reference.kind == "pearson" and w.sum() > 0:
            x, y = x - np.average(x, weights=w), y - np.average(y, weights=w)
        power = np.sqrt((w * x**2).sum() * (w * y**2).sum())
        similarity = (w * x * y).sum() / power if power > 1e-9 else 0.0
    return float(similarity * common / (common + reference.shrinkage))
