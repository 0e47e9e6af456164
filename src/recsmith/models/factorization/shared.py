"""What factor models share: rows for the kernels, the exact fold-in, resumed state, reasons by event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.gram import gram_rows
from recsmith.kernels.ridge import gramian, ridge_contributions, ridge_rows
from recsmith.kernels.threads import in_blocks
from recsmith.models.gigabytes import ask_for
from recsmith.types import CodeArray, FloatArray

_GRAMIAN_ROWS = 4096
_MIRRORED_ROWS = 256


@dataclass(frozen=True, eq=False)
class Rows:
    """Holds a CSR matrix in the types that the kernels are compiled for."""

    indptr: np.ndarray
    item: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> Rows:
        """Returns the arrays of a CSR matrix: int64, int32, float32."""
        return cls(
            matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)
        )

    def turned(self, n_items: int) -> Rows:
        """Returns the same entries with a row for each item; there `item` holds users, in order."""
        matrix = sparse.csr_matrix((self.value, self.item, self.indptr), shape=(len(self), n_items))
        return Rows.of(matrix.T.tocsr())

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> np.ndarray:
        """The number of events of each row."""
        return np.diff(self.indptr)


def solve(
    rows: Rows,
    target: np.ndarray,
    vector_ID: np.ndarray,
    base_DD: np.ndarray,
    regularization_B: np.ndarray,
    *,
    n_threads: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """Returns the ridge solutions [B, D] of all rows, and what each row loses [B]."""
    out_BD = np.zeros((len(rows), vector_ID.shape[1]), np.float32)
    loss_B = np.zeros(len(rows), np.float32)

    def work(start: int, stop: int) -> None:
        ridge_rows(
            start,
            stop,
            rows.indptr,
            rows.item,
            rows.value,
            target,
            vector_ID,
            base_DD,
            regularization_B,
            out_BD,
            loss_B,
        )

    in_blocks(work, len(rows), n_threads=n_threads)
    return out_BD, loss_B


def gram(vector_ID: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
    """Returns VᵀV as float32 [D, D].

    Partial sums are over blocks of fixed size and are added in order, so threads change no bit.
    """
    n_blocks = -(-len(vector_ID) // _GRAMIAN_ROWS)
    part_NDD = np.zeros((n_blocks, vector_ID.shape[1], vector_ID.shape[1]), np.float32)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            first = n * _GRAMIAN_ROWS
            gramian(first, min(first + _GRAMIAN_ROWS, len(vector_ID)), vector_ID, part_NDD[n])

    in_blocks(work, n_blocks, n_threads=n_threads, smallest=1)
    lower_DD = np.tril(part_NDD.sum(axis=0, dtype=np.float64))
    return (lower_DD + np.tril(lower_DD, -1).T).astype(np.float32)


def symmetric_gram(matrix: sparse.csr_matrix, *, n_threads: int = 1) -> np.ndarray:
    """Returns XᵀX of a sparse X as dense float32 [I, I]. O(Σ_u |events of u|²); threads change no bit."""
    by_user = Rows.of(matrix.sorted_indices())
    by_item = by_user.turned(matrix.shape[1])
    gram_II = np.zeros((len(by_item), len(by_item)), np.float32)

    def work(start: int, stop: int) -> None:
        gram_rows(
            start,
            stop,
            by_item.indptr,
            by_item.item,
            by_item.value,
            by_user.indptr,
            by_user.item,
            by_user.value,
            gram_II,
        )

    in_blocks(work, len(gram_II), n_threads=n_threads)
    for low in range(0, len(gram_II), _MIRRORED_ROWS):  # no second matrix of that size
        stripe = gram_II[low : low + _MIRRORED_ROWS]
        corner = stripe[:, low : low + _MIRRORED_ROWS]
        corner += np.tril(corner, -1).T
        gram_II[:low, low : low + _MIRRORED_ROWS] = stripe[:, :low].T
    return gram_II


def reasons(
    history: Histories,
    row: Rows,
    target: np.ndarray,
    vector_ID: np.ndarray,
    base_DD: np.ndarray,
    regularization: float,
    asked_KD: np.ndarray,
) -> np.ndarray:
    """Returns what each event of one person's history adds to the folded-in products, float64 [L, K].

    `row` is that history as the fold-in saw it, each item once.
    """
    part_NK = ridge_contributions(row.item, row.value, target, vector_ID, base_DD, regularization, asked_KD)
    return by_event(history, row.item, part_NK)


def by_event(history: Histories, item: np.ndarray, part_NK: np.ndarray) -> np.ndarray:
    """Returns the contributions of distinct sorted items [N, K] as those of events [L, K].

    Events of the same item share its contribution evenly; an event whose item is not listed adds nothing.
    """
    counts = np.bincount(history.item, minlength=int(item.max(initial=0)) + 1)
    part_LK = np.zeros((len(history.item), part_NK.shape[1]))
    if len(item):
        place = np.minimum(np.searchsorted(item, history.item), len(item) - 1)
        listed = item[place] == history.item
        part_LK[listed] = part_NK[place[listed]] / counts[history.item[listed]][:, None]
    return part_LK


def ask_for_vectors(name: str, data: Dataset, n_dims: int) -> None:
    """Refuses vectors of users and items that do not fit; while they are drawn they are there twice."""
    ask_for(
        8 * n_dims * (data.n_users + data.n_items) / 1e9,
        name=name,
        shape=f"vectors of {n_dims:,} numbers for {data.n_users:,} users and {data.n_items:,} items",
        cure="Lower embedding_dim, or filter the data.",
    )


def resumed(run: Run, name: str, shape: tuple[int, ...]) -> FloatArray:
    """Returns a copy of an array of `run.state`; `InvalidValue` when it is not of this model and data."""
    assert run.state is not None
    found = run.state.get(name)
    if found is None or found.shape != shape:
        got = "nothing" if found is None else found.shape
        raise InvalidValue(
            f"run.state[{name!r}]",
            f"an array of shape {shape}",
            got,
            "Go on with the same data and settings.",
        )
    return np.array(found, np.float32)


def without_evidence(score_BI: FloatArray, popularity: FloatArray) -> FloatArray:
    """Returns the scores with -inf, in place, for items that nobody took in training."""
    score_BI[:, popularity == 0] = -np.inf
    return score_BI


def products(vector_BD: np.ndarray, item_ID: np.ndarray, item_code_BN: CodeArray) -> FloatArray:
    """Returns u_b · v_i of N items for each row, float32 [B, N]: O(B·N·D), however many items there are."""
    return np.einsum("bd,bnd->bn", vector_BD, item_ID[item_code_BN]).astype(np.float32, copy=False)


def cosine(vector_ID: np.ndarray, codes: np.ndarray) -> FloatArray:
    """Returns the cosine of the given items' vectors to all, float32 [B, I]; a zero vector has cosine 0."""
    length_I = np.linalg.norm(vector_ID, axis=1, keepdims=True)
    unit_ID = vector_ID / np.where(length_I == 0, 1, length_I)
    return (unit_ID[codes] @ unit_ID.T).astype(np.float32)
