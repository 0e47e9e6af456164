"""GFCF: graph filtering, the neighbours' linear filter plus an ideal low-pass one. Shen et al., How powerful
is graph convolution for recommendation?, CIKM 2021."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.kernels.sparse_scores import sparse_scores
from recsmith.kernels.threads import in_blocks, one_blas_thread
from recsmith.kernels.weighting import inverse_power
from recsmith.models.capabilities import Explains, SimilarItems
from recsmith.models.factorization.shared import (
    Rows,
    by_event,
    symmetric_gram,
    without_evidence,
)
from recsmith.models.factorization.truncated import truncated
from recsmith.models.gigabytes import ask_for
from recsmith.models.recency import FadingConfig, faded
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray

_MOST_TABLE_GB = 1.0  # of items × items that "auto" makes: the same on every machine
_MOST_ENTRIES = 200  # of that table for each event; beyond, the log is faster to score from, and far smaller
_BLOCK_BYTES = 64 * 2**20
_ROWS = 256


class GFCFConfig(FadingConfig):
    """Says which filter: h (R̃ᵀR̃ / σ₁² + low_pass · D_I^−b V Vᵀ D_I^b), R̃ = D_U^−a R D_I^−b."""

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(16, 256, log=True),
        "low_pass": Range(0.1, 3.0, log=True),
        "user_exponent": Range(0.1, 0.7),
        "item_exponent": Range(0.2, 0.7),
    }

    embedding_dim: int = Field(64, ge=1)
    """Singular directions that the low-pass filter lets through, D."""
    low_pass: float = Field(1.0, ge=0)
    """Weight of the low-pass filter beside the linear one; the paper has 0.3."""
    user_exponent: float = Field(0.3, ge=0, le=1)
    """a: the larger, the less very active people count; the paper has 1/2."""
    item_exponent: float = Field(0.4, ge=0, le=1)
    """b: the larger, the less popular items count; the paper has 1/2."""
    form: Literal["auto", "matrix", "factors"] = "auto"
    """Keep the filter as a matrix of items × items, or as the normalised log and vectors, which is smaller
    for large catalogues and, for all but sparse logs, slower to score. Auto makes a matrix of up to 1 GB
    (15,800 items) and up to 200 entries an event."""
    max_memory_gb: float | None = Field(None, gt=0)
    """Refuse a matrix larger than this; by default, than what is free."""


class GFCF(SimilarItems, Explains):
    """Scores a history by a filter over the graph of items; there is nothing to train but one SVD.

    σ₁ is the largest singular value of R̃ (1 with the paper's exponents), V its first right singular vectors.
    Training users and strangers are scored alike. Fitting costs what PureSVD's does, and for the
    matrix O(Σ_u events² + I²·D) time and 4·I² bytes. A score from factors costs the events of all people who
    share an item with the history.
    """

    Config = GFCFConfig
    config: GFCFConfig
    state_names = ("filter_II", "graph_UI", "in_ID", "out_ID")
    filter_II: FloatArray | None
    """The whole filter, for the form "matrix"."""
    graph_UI: sparse.csr_matrix | None
    """R̃ / σ₁, for the form "factors"."""
    in_ID: FloatArray | None
    """low_pass · D_I^−b V."""
    out_ID: FloatArray | None
    """D_I^b V."""

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        taken_UI = data.binary()
        as_matrix = self._is_matrix(data.n_items, taken_UI.nnz)
        users_I = np.bincount(taken_UI.indices, minlength=data.n_items).astype(np.float64)
        scale_U = inverse_power(np.diff(taken_UI.indptr), settings.user_exponent)
        scale_I = inverse_power(users_I, settings.item_exponent)
        graph = sparse.csr_matrix(sparse.diags_array(scale_U) @ taken_UI @ sparse.diags_array(scale_I))
        n_dims = min(settings.embedding_dim, *graph.shape)
        drawn = generator(run.seed, "gfcf")
        singular_D, vector_ID = truncated(
            graph, n_dims, drawn, name="GFCF", cure="Lower embedding_dim.", n_threads=run.threads
        )
        graph.data /= max(float(singular_D[0]), np.finfo(np.float32).tiny)
        in_ID = (settings.low_pass * scale_I[:, None] * vector_ID).astype(np.float32)
        out_ID = (inverse_power(users_I, -settings.item_exponent)[:, None] * vector_ID).astype(np.float32)
        self.filter_II = self.graph_UI = self.in_ID = self.out_ID = None
        if as_matrix:
            self.filter_II = _whole(graph, in_ID, out_ID, n_threads=run.threads)
        else:
            self.graph_UI, self.in_ID, self.out_ID = graph.astype(np.float32), in_ID, out_ID

    def _is_matrix(self, n_items: int, n_events: int) -> bool:
        """Chooses the form, and refuses before memory is taken that is not there."""
        needed_gb = 4 * n_items**2 / 1e9
        form = self.config.form
        is_large = needed_gb > _MOST_TABLE_GB or n_items**2 > _MOST_ENTRIES * n_events
        if form == "factors" or (form == "auto" and is_large):
            return False
        ask_for(
            needed_gb,
            name="GFCF",
            shape=f"a matrix of {n_items:,} items × items",
            cure="Set form='factors', filter rare items, or set max_memory_gb.",
            limit_gb=self.config.max_memory_gb,
        )
        return True

    def _asked(self, histories: Histories) -> sparse.csr_matrix:
        """Returns h."""
        matrix = histories.binary(len(self.memory.popularity))
        return faded(histories, matrix, self.config.history_half_life)

    def _score(self, histories: Histories) -> FloatArray:
        matrix = self._asked(histories)
        score_BI = self._from_factors(matrix) if self.filter_II is None else matrix @ self.filter_II
        return without_evidence(score_BI, self.memory.popularity)

    def _from_factors(self, matrix: sparse.csr_matrix) -> FloatArray:
        """Returns (h R̃ᵀ) R̃ + (h in) outᵀ; a block of people at a time meets all users."""
        assert self.graph_UI is not None and self.in_ID is not None and self.out_ID is not None
        score_BI = (matrix @ self.in_ID) @ self.out_ID.T
        size = max(1, _BLOCK_BYTES // (12 * self.graph_UI.shape[0]))
        for start in range(0, len(score_BI), size):
            met_BU = sparse.csr_matrix((self.graph_UI @ matrix[start : start + size].T.tocsr()).T)
            met_BU.sort_indices()
            linear_BI = sparse_scores(met_BU, self.graph_UI)
            score_BI[start : start + size] += np.where(linear_BI == -np.inf, 0, linear_BI)
        return score_BI

    def _item_weights(self, from_L: CodeArray, to_K: CodeArray) -> FloatArray:
        """Returns the filter's entries [from, to] as float32 [L, K]."""
        if self.filter_II is not None:
            return self.filter_II[np.ix_(from_L, to_K)]
        assert self.graph_UI is not None and self.in_ID is not None and self.out_ID is not None
        linear_LK = (self.graph_UI[:, from_L].T @ self.graph_UI[:, to_K]).toarray()
        return (linear_LK + self.in_ID[from_L] @ self.out_ID[to_K].T).astype(np.float32)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns what having the given item adds to the others' scores."""
        everything = np.arange(len(self.memory.popularity), dtype=np.int32)
        return without_evidence(self._item_weights(item_codes, everything), self.memory.popularity)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Is exact: each item of the history adds its row of the filter; the base is 0."""
        row = Rows.of(self._asked(history))
        part_NK = row.value[:, None] * self._item_weights(row.item, item_codes)
        return np.zeros(len(item_codes), np.float32), by_event(history, row.item, part_NK)


def _whole(graph: sparse.csr_matrix, in_ID: FloatArray, out_ID: FloatArray, *, n_threads: int) -> FloatArray:
    """Returns R̃ᵀR̃ + in outᵀ, float32 [I, I]; blocks are of fixed size, so threads change no bit."""
    filter_II = symmetric_gram(graph, n_threads=n_threads)

    def work(first: int, last: int) -> None:
        for low in range(first * _ROWS, min(last * _ROWS, len(filter_II)), _ROWS):
            filter_II[low : low + _ROWS] += in_ID[low : low + _ROWS] @ out_ID.T

    with one_blas_thread():
        in_blocks(work, -(-len(filter_II) // _ROWS), n_threads=n_threads, smallest=1)
    return filter_II
