"""BPR: matrix factorization by pairwise ranking. Rendle et al., BPR: Bayesian personalized ranking from
implicit feedback, UAI 2009."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from recsmith.config import Config, Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.bpr import bpr_events
from recsmith.kernels.strata import Strata, groups_for, strata
from recsmith.models.capabilities import Explains, HasVectors, SimilarItems
from recsmith.models.factorization.sampled import epoch_of_steps
from recsmith.models.factorization.shared import (
    Rows,
    ask_for_vectors,
    cosine,
    gram,
    products,
    reasons,
    resumed,
    solve,
    without_evidence,
)
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray

_FEWEST_ITEMS = 2048  # below it an item group is too small to draw negatives from


class BPRConfig(Config):
    """Says how to learn the order  b_i + p_u·q_i > b_j + p_u·q_j  of a taken item i above another j."""

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(16, 256, log=True),
        "learning_rate": Range(0.005, 0.2, log=True),
        "regularization": Range(0.0005, 0.1, log=True),
    }

    embedding_dim: int = Field(64, ge=1)
    """Length of the vectors, D."""
    n_epochs: int = Field(60, ge=1)
    """Passes over the pairs of user and item; each pair is one step with a newly drawn j."""
    learning_rate: float = Field(0.03, gt=0)
    """Size of a step, η."""
    regularization: float = Field(0.005, ge=0)
    """λ, for each step that touches a parameter."""
    init_scale: float = Field(0.1, gt=0)
    """Vectors start from N(0, (init_scale / √D)²)."""
    fold_in_unobserved_weight: float = Field(0.01, ge=0)
    """Weight of all items, against 1 for one taken, when a stranger's vector is made."""
    fold_in_regularization: float = Field(0.1, gt=0)
    """λ of that ridge regression, for each event of the stranger's history."""


class BPR(SimilarItems, Explains, HasVectors):
    """Recommends by b_i + p_u·q_i, learnt from pairs of a taken item and one drawn from those not taken.

    Draws are hashes of (seed, epoch, block, place), and blocks are the same for any number of threads, so
    threads change no bit of the result. A stranger's vector comes from ridge regression on the item vectors
    (`fold_in_*`), which aims at the score that taken items have in training; reasons decompose that fold-in.
    One epoch costs O(events·(D + log history)); memory is 4·D·(U + I) bytes, twice that at the start, and 40
    an event while an epoch is put in order.
    """

    Config = BPRConfig
    config: BPRConfig
    state_names = ("user_UD", "item_ID", "item_bias_I", "gram_DD", "level")
    user_UD: FloatArray
    item_ID: FloatArray
    item_bias_I: FloatArray
    gram_DD: FloatArray
    level: float
    """The mean of b_i + p_u·q_i over the pairs of training: what a fold-in aims at."""

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        pairs = Rows.of(data.binary())
        user = np.repeat(np.arange(data.n_users, dtype=np.int32), pairs.lengths)
        taken_I = np.bincount(pairs.item, minlength=data.n_items) > 0
        self._start(data, pairs, run)
        for epoch in run.epochs(settings.n_epochs, "BPR"):
            drawn = generator(run.seed, "bpr", epoch)
            groups = strata(
                user,
                pairs.item,
                np.zeros(0, np.float32),
                data.n_users,
                data.n_items,
                n_groups=groups_for(len(user)) if data.n_items >= _FEWEST_ITEMS else 1,
                generator=drawn,
            )
            key_N = drawn.integers(2**63, size=groups.n_groups**2, dtype=np.uint64)

            def step(
                slot: slice,
                candidate: np.ndarray,
                block: int,
                groups: Strata = groups,
                key_N: np.ndarray = key_N,
            ) -> np.ndarray:
                figures = bpr_events(
                    groups.user[slot],
                    groups.item[slot],
                    key_N[block],
                    pairs.indptr,
                    pairs.item,
                    candidate[taken_I[candidate]],
                    self.item_bias_I,
                    self.user_UD,
                    self.item_ID,
                    settings.learning_rate,
                    settings.regularization,
                )
                return np.array(figures, np.float64)

            n_steps, n_right, loss = epoch_of_steps(groups, step, run)
            if not np.isfinite(loss):
                raise InvalidValue(
                    "learning_rate",
                    "small enough for the steps to converge",
                    settings.learning_rate,
                    f"Epoch {epoch} ended with loss {loss}. Halve it, or raise regularization.",
                )
            self._prepare_fold_in(user, pairs, run)
            run.log(loss=loss / max(n_steps, 1), AUC=n_right / max(n_steps, 1))

    def _start(self, data: Dataset, pairs: Rows, run: Run) -> None:
        n_dims = self.config.embedding_dim
        ask_for_vectors("BPR", data, n_dims)
        shapes = {"user_UD": (data.n_users, n_dims), "item_ID": (data.n_items, n_dims)}
        if run.state is not None:
            self.user_UD, self.item_ID = (resumed(run, name, shape) for name, shape in shapes.items())
            self.item_bias_I = resumed(run, "item_bias_I", (data.n_items,))
            return
        drawn = generator(run.seed, "bpr")
        scale = np.float32(self.config.init_scale / np.sqrt(n_dims))
        self.user_UD = drawn.standard_normal(shapes["user_UD"], np.float32) * scale
        self.item_ID = drawn.standard_normal(shapes["item_ID"], np.float32) * scale
        self.user_UD[pairs.lengths == 0] = 0
        self.item_bias_I = np.zeros(data.n_items, np.float32)

    def _prepare_fold_in(self, user: np.ndarray, pairs: Rows, run: Run) -> None:
        weight = np.float32(self.config.fold_in_unobserved_weight)
        self.gram_DD = gram(self.item_ID, n_threads=run.threads) * weight
        some = slice(None, None, max(len(user) // 20_000, 1))
        products = np.einsum("nd,nd->n", self.user_UD[user[some]], self.item_ID[pairs.item[some]])
        self.level = float((products + self.item_bias_I[pairs.item[some]]).mean(dtype=np.float64))

    def _score(self, histories: Histories) -> FloatArray:
        score_BI = self._user_vectors(histories) @ self.item_ID.T
        score_BI += self.item_bias_I
        return without_evidence(score_BI, self.memory.popularity)

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        score_BN = products(self._user_vectors(histories), self.item_ID, item_code_BN)
        score_BN += self.item_bias_I[item_code_BN]
        return np.where(self.memory.popularity[item_code_BN] > 0, score_BN, np.float32(-np.inf))

    def _user_vectors(self, histories: Histories) -> FloatArray:
        vector_BD = np.empty((len(histories), self.config.embedding_dim), np.float32)
        hot = histories.user >= 0
        vector_BD[hot] = self.user_UD[histories.user[hot]]
        if not hot.all():
            rows = Rows.of(histories.take(np.flatnonzero(~hot)).binary(len(self.item_ID)))
            vector_BD[~hot], _ = solve(
                rows, self._target(rows), self.item_ID, self.gram_DD, self._penalty(rows)
            )
        return vector_BD

    def _target(self, rows: Rows) -> FloatArray:
        return np.float32(self.level) - self.item_bias_I[rows.item]

    def _penalty(self, rows: Rows) -> FloatArray:
        return (self.config.fold_in_regularization * np.maximum(rows.lengths, 1)).astype(np.float32)

    def _item_vectors(self) -> FloatArray:
        return self.item_ID

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        return without_evidence(cosine(self.item_ID, item_codes), self.memory.popularity)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Decomposes p_u·q_j of the fold-in; the base is b_j."""
        row = Rows.of(history.binary(len(self.item_ID)))
        parts = reasons(
            history,
            row,
            self._target(row),
            self.item_ID,
            self.gram_DD,
            float(self._penalty(row)[0]),
            self.item_ID[item_codes],
        )
        return self.item_bias_I[item_codes], parts
