"""SLIM: sparse, non-negative weights from item to item. Ning and Karypis, SLIM: Sparse linear methods for
top-N recommender systems, ICDM 2011."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.slim import slim_columns
from recsmith.kernels.threads import in_blocks
from recsmith.models.factorization.shared import symmetric_gram
from recsmith.models.gigabytes import ask_for
from recsmith.models.item_weights import ItemWeights
from recsmith.models.recency import FadingConfig

_ROWS = 64  # columns of W that a thread holds dense at a time


class SLIMConfig(FadingConfig):
    """Says what to minimise: Σ_u |N(u)|^−η |x_u − x_u W|² / 2 + λ₂ |W|² / 2 + λ₁ Σ W, W ≥ 0, no diagonal."""

    search_space: ClassVar[SearchSpace] = {
        "l1_regularization": Range(0.1, 20.0, log=True),
        "l2_regularization": Range(5.0, 1000.0, log=True),
        "activity_exponent": Range(0.0, 0.6),
    }

    l1_regularization: float = Field(5.0, ge=0)
    """λ₁: the larger, the fewer weights are left."""
    l2_regularization: float = Field(100.0, gt=0)
    """λ₂."""
    activity_exponent: float = Field(0.0, ge=0, le=1)
    """η: above 0, a very active person's many items do not drown the others'; the paper has 0."""
    weighting: Literal["binary", "weight"] = "binary"
    """X holds 1 for what was taken, or its weight."""
    tolerance: float = Field(1e-4, gt=0)
    """A column is solved when no weight moves by more in a pass."""
    max_passes: int = Field(200, ge=1)
    """Passes over a column at most."""
    max_memory_gb: float | None = Field(None, gt=0)
    """Refuse to fit with more than this; by default, with more than is free."""


class SLIM(ItemWeights):
    """Scores by s = h W; each column of W is an elastic net of its own, so threads change no bit.

    Fitting makes the dense Gram matrix XᵀX, 4·I² bytes (1.6 GB for 20,000 items), in O(Σ_u events²), then
    costs O(I) for each weight that moves in a pass. What is kept are the weights above 0, some fifty an item.
    Training users and strangers are scored alike.
    """

    Config = SLIMConfig
    config: SLIMConfig

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        self._refuse_too_many(data.n_items, run.threads)
        matrix = self._interest_of(data.histories(), data.n_items)
        if len(matrix.data) and matrix.data.min() < 0:
            cure = "Use weighting='binary', or filter."
            raise InvalidValue("weight", "0 or more for SLIM", float(matrix.data.min()), cure)
        if settings.activity_exponent > 0:
            length_U = np.diff(matrix.indptr)
            weight_U = np.maximum(length_U, 1).astype(np.float32) ** (-settings.activity_exponent / 2)
            matrix.data *= np.repeat(weight_U, length_U).astype(np.float32)
        gram_II = symmetric_gram(matrix, n_threads=run.threads)
        n_blocks = -(-data.n_items // _ROWS)
        parts: list[sparse.csr_matrix | None] = [None] * n_blocks

        def work(first: int, last: int) -> None:
            out_CI = np.empty((_ROWS, data.n_items), np.float32)
            for block in range(first, last):
                start, stop = block * _ROWS, min((block + 1) * _ROWS, data.n_items)
                slim_columns(
                    start,
                    stop,
                    gram_II,
                    np.float32(settings.l1_regularization),
                    np.float32(settings.l2_regularization),
                    np.float32(settings.tolerance),
                    settings.max_passes,
                    out_CI,
                )
                parts[block] = sparse.csr_matrix(out_CI[: stop - start])

        in_blocks(work, n_blocks, n_threads=run.threads, smallest=1)
        self.weight_SI = sparse.csr_matrix(sparse.vstack(parts, format="csr").T)

    def _refuse_too_many(self, n_items: int, n_threads: int) -> None:
        """Refuses before memory is taken that is not there."""
        needed_gb = 4 * n_items * (n_items + _ROWS * n_threads) / 1e9
        ask_for(
            needed_gb,
            name="SLIM",
            shape=f"{n_items:,} items",
            cure="Use RP3beta or ItemKNN, filter rare items, or set max_memory_gb.",
            limit_gb=self.config.max_memory_gb,
        )

    def _interest(self, histories: Histories) -> sparse.csr_matrix:
        return self._interest_of(histories, self.weight_SI.shape[0])

    def _interest_of(self, histories: Histories, n_items: int) -> sparse.csr_matrix:
        binary = self.config.weighting == "binary"
        return histories.binary(n_items) if binary else histories.matrix(n_items)
