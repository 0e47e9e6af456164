"""SVDpp: biased matrix factorization with implicit feedback, SVD++. Koren, Factorization meets the
neighborhood: a multifaceted collaborative filtering model, KDD 2008."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from recsmith.config import Config, Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.kernels.svdpp import shuffled_rows, svdpp_people
from recsmith.models.factorization.funk_svd import FunkSVD, by_length
from recsmith.models.factorization.shared import Rows, by_event, resumed
from recsmith.models.gigabytes import ask_for
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray


class SVDppConfig(Config):
    """Says how ratings are factorized: r ≈ μ + b_u + b_i + q_i·(p_u + |N(u)|^−½ Σ_{j in N(u)} y_j)."""

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(8, 128, log=True),
        "learning_rate": Range(0.003, 0.03, log=True),
        "regularization": Range(0.02, 0.2, log=True),
        "implicit_regularization": Range(0.0005, 0.03, log=True),
    }

    embedding_dim: int = Field(20, ge=1)
    """Length of the vectors, D."""
    n_epochs: int = Field(40, ge=1)
    """Passes over the ratings, each in a new order of people and of each person's ratings."""
    learning_rate: float = Field(0.01, gt=0)
    """Size of a step in the first epoch, η."""
    learning_rate_decay: float = Field(0.97, gt=0, le=1)
    """Factor on the learning rate from one epoch to the next."""
    regularization: float | None = Field(None, ge=0)
    """λ, for each rating, on biases and on the vectors p and q. When not given, 0.08 for logs of up to
    100,000 ratings and 0.08 (100,000 / ratings)^0.25 for longer ones: 0.045 for a million."""
    implicit_regularization: float = Field(0.003, ge=0)
    """λ_y, for each rating, on the vectors y of all items of the person."""
    init_scale: float = Field(0.03, gt=0)
    """Vectors p and q start from N(0, init_scale²); y starts from 0."""

    def usual(self, n_events: int) -> dict[str, Any]:
        """Returns λ where it was not given: the more ratings, the less each must hold a vector back."""
        if self.regularization is not None:
            return {}
        return {"regularization": by_length(n_events, short=0.08, power=0.25)}


class SVDpp(FunkSVD):
    """Predicts ratings from what people rated and how; recommends what it predicts to be rated highest.

    N(u) are the items that u rated in training, or those of a stranger's history, whose b and p come from
    ridge regression with the same λ, given their y; reasons decompose both. The learning curve holds the
    RMSE of each epoch, each rating taken before its step. An epoch costs O(events·D): the kernel moves all y
    of a person at once. Memory is 4·D·(U + 2 I) bytes, twice that at the start, and 32 an event.
    Every step touches all items of a person, so steps are taken in one thread, whatever the run's number.
    """

    Config = SVDppConfig  # type: ignore[assignment]
    config: SVDppConfig  # type: ignore[assignment]
    state_names = (*FunkSVD.state_names, "implicit_ID")
    implicit_ID: FloatArray
    """y."""
    _slower = "Halve it."

    def _fit(self, data: Dataset, run: Run) -> None:
        settings, events = self.config, data.interactions
        indptr_U, taken = events.indptr(data.n_users).astype(np.int64), Rows.of(data.binary())
        self.mean = float(events.weight.mean(dtype=np.float64))
        self.penalty = self._given_or_usual(len(events))
        self._start(data, run)
        order = np.empty(len(events), np.int64)
        for epoch in run.epochs(settings.n_epochs, "SVDpp"):
            drawn = generator(run.seed, "svdpp", epoch)
            shuffled_rows(indptr_U, drawn.random(len(events)), order)
            squared = svdpp_people(
                drawn.permutation(data.n_users),
                indptr_U,
                events.item[order],
                events.weight[order],
                taken.indptr,
                taken.item,
                self.mean,
                self.user_bias_U,
                self.item_bias_I,
                self.user_UD,
                self.item_ID,
                self.implicit_ID,
                settings.learning_rate * settings.learning_rate_decay**epoch,
                self.penalty,
                settings.implicit_regularization,
            )
            rmse = float(np.sqrt(squared / len(events)))
            self._check(rmse, epoch, data)
            run.log(RMSE=rmse)

    def _start(self, data: Dataset, run: Run) -> None:
        n_dims = self.config.embedding_dim
        ask_for(
            8 * n_dims * (data.n_users + 2 * data.n_items) / 1e9,
            name="SVDpp",
            shape=f"vectors of {n_dims:,} for {data.n_users:,} users and, twice, {data.n_items:,} items",
            cure="Lower embedding_dim, or filter the data.",
        )
        super()._start(data, run)
        shape = (data.n_items, n_dims)
        self.implicit_ID = (
            np.zeros(shape, np.float32) if run.state is None else resumed(run, "implicit_ID", shape)
        )

    def _implicit(self, rows: Rows) -> FloatArray:
        """Returns z = |N|^−½ Σ y of rows of distinct items, float32 [B, D]; 0 for an empty one."""
        sums_BD = np.zeros((len(rows), self.implicit_ID.shape[1]))
        row_n = np.repeat(np.arange(len(rows)), rows.lengths)
        np.add.at(sums_BD, row_n, self.implicit_ID[rows.item])
        return (sums_BD / np.sqrt(np.maximum(rows.lengths, 1))[:, None]).astype(np.float32)

    def _folded(self, histories: Histories) -> tuple[FloatArray, FloatArray]:
        """Returns biases [B] and p + z [B, D]."""
        bias_B, vector_BD = super()._folded(histories)
        return bias_B, vector_BD + self._implicit(Rows.of(histories.binary(len(self.item_ID))))

    def _residuals(self, histories: Histories) -> tuple[Rows, np.ndarray]:
        """Returns each row's distinct items and what μ + b_i + q_i·z leaves of their mean rating."""
        rows, target = super()._residuals(histories)
        row_n = np.repeat(np.arange(len(rows)), rows.lengths)
        implicit_n = np.einsum("nd,nd->n", self._implicit(rows)[row_n], self.item_ID[rows.item])
        return rows, target - implicit_n

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Decomposes b_u + p_u·q_j of the fold-in and z·q_j; the base is μ + b_j."""
        base_K, part_LK = super()._contributions(history, item_codes)
        row = Rows.of(history.binary(len(self.item_ID)))
        implicit_NK = self.implicit_ID[row.item] @ self.item_ID[item_codes].T / np.sqrt(len(row.item))
        return base_K, part_LK + by_event(history, row.item, implicit_NK)
