"""Nearest rows where similarity goes by the number of columns in common: cosine and Jaccard of sets.

Rows that many queries meet are counted as bits, 512 at a time (see bits.py), the rare ones entry by entry;
which is cheaper is worked out before, for each 512 rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from recsmith.kernels.bits import COLUMNS, count_bits, pack, working_memory
from recsmith.kernels.keys import code_of, cut, key_of, sort_keys
from recsmith.kernels.similarity import CODES, COSINE, Reference, csr_arrays

_CHUNK = 64
_MOST_BYTES = 256 * 2**20
_MOST_COUNTS = 2 * 2**20  # of all queries that are counted together

# Nanoseconds, measured on one core; only their ratios matter.
_ADD_ENTRY, _ADD_BITS, _SPREAD = 0.7, 2.5, 90.0


@dataclass(frozen=True, eq=False)
class Counter:
    """Holds a reference's rows with the common ones first: place c is row `code_C[c]`, or none for −1.

    Places below 512 · blocks are in `bits_BTW`; the others are listed by column, `place` from indptr_T[t] on.
    There are places for whole chunks, so that loops need no rest; the ones behind the last row stay empty.
    """

    bits_BTW: np.ndarray
    indptr_T: np.ndarray
    place: np.ndarray
    code_C: np.ndarray
    scale_C: np.ndarray
    size_C: np.ndarray

    @classmethod
    def of(cls, reference: Reference, query_QT: sparse.csr_matrix) -> Counter:
        """Returns the reference in the form that costs these queries least. O(entries + rows log rows)."""
        code_R = np.argsort(-reference.size_R, kind="stable").astype(np.int32)
        n_rows = len(code_R)
        asked_T = np.bincount(query_QT.indices, minlength=query_QT.shape[1]).astype(np.int64)
        met_R = _times_met(reference.indptr_T, reference.row, asked_T, n_rows)[code_R]
        n_blocks = _blocks_worth_it(met_R, query_QT.nnz, query_QT.shape[0])
        n_blocks = min(n_blocks, _MOST_BYTES // (8 * COLUMNS // 64 * (len(asked_T) + 1)))
        n_places = -(-max(n_rows, n_blocks * COLUMNS) // _CHUNK) * _CHUNK
        place_R = np.empty(n_rows, np.int32)
        place_R[code_R] = np.arange(n_rows, dtype=np.int32)
        place = place_R[reference.row]
        rare = place >= n_blocks * COLUMNS
        rare_before = np.concatenate([np.zeros(1, np.int64), np.cumsum(rare)])
        return cls(
            pack(reference.indptr_T, place, n_blocks),
            rare_before[reference.indptr_T],
            place[rare],
            _padded(code_R, n_places, -1),
            _padded(reference.scale_R[code_R], n_places, 0.0),
            _padded(reference.size_R[code_R], n_places, 0),
        )

    def arguments(self, reference: Reference, query_QT: sparse.csr_matrix, scale_Q: np.ndarray) -> tuple:
        """Returns what `nearest_counted` takes between the bounds and the answers."""
        indptr_Q, term, _ = csr_arrays(query_QT)
        return (
            CODES[reference.kind],
            indptr_Q,
            term,
            scale_Q.astype(np.float64),
            self.bits_BTW,
            self.indptr_T,
            self.place,
            self.code_C,
            self.scale_C,
            self.size_C,
            reference.shrinkage,
            reference.min_common,
        )


def is_countable(query_QT: sparse.csr_matrix, reference: Reference) -> bool:
    """Says whether these queries go by counts, and are enough to turn the reference for them."""
    is_plain = reference.plain and bool((query_QT.data == 1).all())
    return is_plain and reference.kind in ("cosine", "jaccard") and query_QT.nnz >= len(reference.row) // 4


@njit(nogil=True, cache=True)
def nearest_counted(
    start, stop, kind, indptr_Q, term, scale_Q, bits_BTW, indptr_T, place, code_C, scale_C, size_C,
    shrinkage, min_common, own_Q, only_with_more, code_QN, similarity_QN,
):  # fmt: skip
    """Fills rows start to stop of `code_QN` and `similarity_QN`, as `neighbours.nearest_rows` promises.

    Many queries at a time, one block of bits after another, so that a block stays in the cache.
    """
    n_blocks, n_places, n_kept = bits_BTW.shape[0], len(code_C), code_QN.shape[1]
    n_together = min(max(_MOST_COUNTS // n_places, 1), stop - start)
    count_GC = np.zeros((n_together, n_places), np.int32)
    similarity_C = np.zeros(n_places, np.float32)
    bits_C, bits_QN = similarity_C.view(np.uint32), similarity_QN.view(np.uint32)
    key_N = np.empty(max(4 * n_kept, n_kept + 2 * _CHUNK) + _CHUNK, np.uint64)
    for q in range(start, stop):
        if (q - start) % n_together == 0:
            _count_together(q, min(q + n_together, stop), indptr_Q, term, bits_BTW, count_GC)
        count_C = count_GC[(q - start) % n_together]
        count_C[n_blocks * COLUMNS :] = 0
        for event in range(indptr_Q[q], indptr_Q[q + 1]):
            t = term[event]
            for entry in range(indptr_T[t], indptr_T[t + 1]):
                count_C[np.uint32(place[entry])] += 1  # unsigned: no test for a negative index
        _similarities(kind, count_C, scale_Q[q], scale_C, shrinkage, min_common, similarity_C)
        size = _best(bits_C, code_C, own_Q[q], count_C, size_C, only_with_more, n_kept, key_N)
        sort_keys(key_N, size)
        for n in range(size):
            code_QN[q, n] = code_of(key_N[n])
            bits_QN[q, n] = np.uint32(key_N[n] >> np.uint64(32))


@njit(nogil=True, cache=True)
def _best(bits_C, code_C, own, count_C, size_C, only_with_more, n_kept, key_N):
    """Writes the keys of the best places, in no order, to the front of `key_N`; returns how many."""
    size = np.int64(0)
    worst = np.uint64(0)  # the least of the best so far
    least = np.uint32(1)  # its score
    for first in range(0, len(bits_C), _CHUNK):
        if _largest(bits_C[first : first + _CHUNK]) < least:
            continue
        for c in range(first, first + _CHUNK):
            if bits_C[c] < least or code_C[c] == own or (only_with_more and count_C[c] == size_C[c]):
                continue
            key = key_of(bits_C[c], code_C[c])
            if key > worst:
                key_N[size] = key
                size += 1
        if size > len(key_N) - _CHUNK:
            worst = cut(key_N, size, n_kept)
            least = np.uint32(worst >> np.uint64(32))
            size = np.int64(n_kept)
    if size > n_kept:
        cut(key_N, size, n_kept)
    return min(size, np.int64(n_kept))


@njit(nogil=True, cache=True)
def _largest(bits_N):
    largest = np.uint32(0)
    for n in range(len(bits_N)):
        largest = max(largest, bits_N[n])
    return largest


@njit(nogil=True, cache=True)
def _count_together(start, stop, indptr_Q, term, bits_BTW, count_GC):
    """Counts, for queries start to stop, what is in bits: a row of `count_GC` each."""
    level_PW, wait_PW = working_memory()
    first = indptr_Q[start]
    # Each list is filled up to a multiple of 8 with the empty row, the last one.
    list_N = np.full(indptr_Q[stop] - first + 8 * (stop - start), bits_BTW.shape[1] - 1)
    for g in range(stop - start):
        low, high = indptr_Q[start + g], indptr_Q[start + g + 1]
        for event in range(low, high):
            list_N[event - first + 8 * g] = term[event]
    for block in range(bits_BTW.shape[0]):
        for g in range(stop - start):
            low, high = indptr_Q[start + g], indptr_Q[start + g + 1]
            at = low - first + 8 * g
            row_L = list_N[at : at + (high - low + 7) // 8 * 8]
            count_bits(row_L, bits_BTW[block], level_PW, wait_PW, count_GC[g], block * COLUMNS)


@njit(nogil=True, cache=True)
def _similarities(kind, count_C, scale, scale_C, shrinkage, min_common, similarity_C):
    """Turns counts into similarities, in double and rounded once: what is equal on paper is equal here."""
    is_cosine = kind == COSINE
    if is_cosine and shrinkage == 0.0:  # the usual case, spared two divisions
        for c in range(len(count_C)):
            common = np.float64(count_C[c]) if count_C[c] >= min_common else 0.0
            similarity_C[c] = common * (scale * scale_C[c])
        return
    for c in range(len(count_C)):
        common = np.float64(count_C[c])
        share = common / (common + shrinkage) if common >= min_common else 0.0
        union = scale + scale_C[c] - common
        jaccard = common / union if union > 0.0 else 0.0
        similarity_C[c] = (common * (scale * scale_C[c]) if is_cosine else jaccard) * share


@njit(nogil=True, cache=True)
def _times_met(indptr_T, row, asked_T, n_rows):
    """Returns how often the queries meet each row, when each entry is gone through."""
    met_R = np.zeros(n_rows, np.int64)
    for t in range(len(asked_T)):
        for entry in range(indptr_T[t], indptr_T[t + 1]):
            met_R[row[entry]] += asked_T[t]
    return met_R


def _blocks_worth_it(met_R: np.ndarray, n_asked: int, n_queries: int) -> int:
    """Returns how many blocks of rows, common ones first, are cheaper as bits."""
    met_B = np.add.reduceat(met_R, np.arange(0, len(met_R), COLUMNS)) if len(met_R) else met_R
    is_dense = met_B * _ADD_ENTRY > n_asked * _ADD_BITS + n_queries * _SPREAD
    return int(np.argmin(np.append(is_dense, False)))


def _padded(values: np.ndarray, length: int, filling: float) -> np.ndarray:
    longer = np.full(length, filling, values.dtype)
    longer[: len(values)] = values
    return longer
