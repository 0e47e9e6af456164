"""FunkSVD: biased matrix factorization of ratings by stochastic gradient descent. Funk 2006; Koren, Bell,
Volinsky, Matrix factorization techniques for recommender systems, IEEE Computer 2009."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from recsmith.config import Config, Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.sgd import sgd_events_of
from recsmith.kernels.strata import groups_for, strata, strides
from recsmith.models.capabilities import Explains, HasVectors, PredictsRatings, SimilarItems
from recsmith.models.factorization.sampled import epoch_of_steps
from recsmith.models.factorization.shared import (
    Rows,
    ask_for_vectors,
    cosine,
    reasons,
    resumed,
    solve,
    without_evidence,
)
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray

_SHORT = 100_000
_GROUPS = 16  # of a long log's people, and of its items
_LEAST_PENALTY = 1e-6  # keeps the fold-in solvable when regularization is 0


class FunkSVDConfig(Config):
    """Says how ratings are factorized: r ≈ μ + b_u + b_i + p_u·q_i."""

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(16, 256, log=True),
        "learning_rate": Range(0.005, 0.05, log=True),
        "regularization": Range(0.02, 0.2, log=True),
    }

    embedding_dim: int = Field(100, ge=1)
    """Length of the vectors, D."""
    n_epochs: int = Field(60, ge=1)
    """Passes over the ratings, each in another order."""
    learning_rate: float = Field(0.02, gt=0)
    """Size of a step in the first epoch, η."""
    learning_rate_decay: float = Field(0.97, gt=0, le=1)
    """Factor on the learning rate from one epoch to the next."""
    regularization: float | None = Field(None, ge=0)
    """λ, for each rating: a user with n ratings is held back by λ n. When not given, 0.1 for logs of up to
    100,000 ratings and 0.1 (100,000 / ratings)^0.15 for longer ones: 0.07 for a million."""
    loss: Literal["squared", "huber"] = "squared"
    """Huber's loss is squared up to `huber_delta` and linear beyond: outlying ratings pull less."""
    huber_delta: float = Field(1.0, gt=0)
    """Where Huber's loss turns linear, in units of the rating."""
    gradient_clip: float | None = Field(None, gt=0)
    """Bound on each coordinate of a gradient; none by default."""
    init_scale: float = Field(0.1, gt=0)
    """Vectors start from N(0, init_scale²)."""

    def usual(self, n_events: int) -> dict[str, Any]:
        """Returns λ where it was not given: the more ratings, the less each must hold a vector back."""
        if self.regularization is not None:
            return {}
        return {"regularization": by_length(n_events, short=0.1, power=0.15)}


def by_length(n_events: int, *, short: float, power: float) -> float:
    """Returns λ of a log: `short` up to 100,000 ratings, then less by a power of the length."""
    return short * min(1.0, (_SHORT / max(n_events, 1)) ** power)


class FunkSVD(SimilarItems, Explains, HasVectors, PredictsRatings):
    """Predicts ratings; recommends what it predicts to be rated highest.

    A training user has a learnt vector; a stranger's comes from ridge regression of their ratings on the
    item vectors, with the same λ (squared loss, whatever the model's). Reasons decompose that fold-in.
    The learning curve holds the RMSE of each epoch, each rating taken before its step.
    One epoch costs O(events·D); memory is 4·D·(U + I) bytes, twice that at the start, and 12 an event.
    From 250,000 ratings on its steps are compiled for the length of the vectors: a second or two, once.
    Threads change no bit of the result (see kernels/strata.py).
    """

    Config = FunkSVDConfig
    config: FunkSVDConfig
    state_names: ClassVar[tuple[str, ...]] = (
        "user_UD",
        "item_ID",
        "user_bias_U",
        "item_bias_I",
        "mean",
        "penalty",
    )
    user_UD: FloatArray
    item_ID: FloatArray
    user_bias_U: FloatArray
    item_bias_I: FloatArray
    mean: float
    penalty: float
    """λ, as it was given or as the length of the log made it."""
    _slower: ClassVar[str] = "Halve it, or set gradient_clip (try 1.0)."

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        events = data.interactions
        self.mean = float(events.weight.mean(dtype=np.float64))
        self.penalty = self._given_or_usual(len(events))
        self._start(data, run)
        # Dealt and shuffled once; an epoch goes through each block in another order.
        groups = strata(
            events.user,
            events.item,
            events.weight,
            data.n_users,
            data.n_items,
            n_groups=groups_for(len(events), many=_GROUPS),
            generator=generator(run.seed, "funk_svd", "order"),
        )
        # A log that is long enough for groups is worth a kernel of its own, too.
        n_dims = settings.embedding_dim if groups.n_groups > 1 else 0
        sgd_events = sgd_events_of(n_dims, settings.gradient_clip is not None)
        for epoch in run.epochs(settings.n_epochs, "FunkSVD"):
            drawn = generator(run.seed, "funk_svd", epoch)
            orders = [strides(int(n_events), drawn) for n_events in np.diff(groups.bounds).ravel()]
            rate = settings.learning_rate * settings.learning_rate_decay**epoch

            def step(
                slot: slice,
                _candidates: np.ndarray,
                block: int,
                orders: list[tuple[int, int]] = orders,
                rate: float = rate,
            ) -> np.ndarray:
                squared = sgd_events(
                    groups.user[slot],
                    groups.item[slot],
                    groups.value[slot],
                    *orders[block],
                    self.mean,
                    self.user_bias_U,
                    self.item_bias_I,
                    self.user_UD,
                    self.item_ID,
                    rate,
                    self.penalty,
                    settings.huber_delta if settings.loss == "huber" else np.inf,
                    settings.gradient_clip or np.inf,
                )
                return np.array([squared])

            rmse = float(np.sqrt(epoch_of_steps(groups, step, run)[0] / len(events)))
            self._check(rmse, epoch, data)
            run.log(RMSE=rmse)

    def _given_or_usual(self, n_events: int) -> float:
        return self.config.usual(n_events).get("regularization") or self.config.regularization or 0.0

    def _start(self, data: Dataset, run: Run) -> None:
        ask_for_vectors("FunkSVD", data, self.config.embedding_dim)
        shapes = {
            "user_UD": (data.n_users, self.config.embedding_dim),
            "item_ID": (data.n_items, self.config.embedding_dim),
            "user_bias_U": (data.n_users,),
            "item_bias_I": (data.n_items,),
        }
        if run.state is not None:
            for name, shape in shapes.items():
                setattr(self, name, resumed(run, name, shape))
            return
        drawn = generator(run.seed, "funk_svd")
        for name, codes in (("user_UD", data.interactions.user), ("item_ID", data.interactions.item)):
            vectors = drawn.standard_normal(shapes[name], np.float32) * np.float32(self.config.init_scale)
            vectors[np.bincount(codes, minlength=len(vectors)) == 0] = 0  # nothing will ever move these
            setattr(self, name, vectors)
        self.user_bias_U = np.zeros(shapes["user_bias_U"], np.float32)
        self.item_bias_I = np.zeros(shapes["item_bias_I"], np.float32)

    def _check(self, rmse: float, epoch: int, data: Dataset) -> None:
        """Refuses to go on from numbers that are lost; ten times the ratings' own spread is lost."""
        weight = data.interactions.weight
        spread = float(weight.max() - weight.min()) + abs(self.mean) + 1e-6
        if not rmse < 10 * spread:
            raise InvalidValue(
                "learning_rate",
                "small enough for the steps to converge",
                self.config.learning_rate,
                f"Epoch {epoch} ended with RMSE {rmse:.3g}. {self._slower}",
            )

    def _score(self, histories: Histories) -> FloatArray:
        bias_B, vector_BD = self._folded(histories)
        score_BI = vector_BD @ self.item_ID.T
        score_BI += self.item_bias_I
        score_BI += (bias_B + np.float32(self.mean))[:, None]
        return without_evidence(score_BI, self.memory.popularity)

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        bias_B, vector_BD = self._folded(histories)
        rating_n = np.float32(self.mean) + bias_B[row_n] + self.item_bias_I[item_n]
        rating_n += np.einsum("nd,nd->n", vector_BD[row_n], self.item_ID[item_n])
        return np.clip(rating_n, *self.memory.weight_range)

    def _folded(self, histories: Histories) -> tuple[FloatArray, FloatArray]:
        """Returns biases [B] and vectors [B, D]: learnt for training users, ridge for strangers."""
        vector_BD = np.empty((len(histories), self.item_ID.shape[1]), np.float32)
        bias_B = np.empty(len(histories), np.float32)
        hot = histories.user >= 0
        bias_B[hot], vector_BD[hot] = self.user_bias_U[histories.user[hot]], self.user_UD[histories.user[hot]]
        if not hot.all():
            strangers = histories.take(np.flatnonzero(~hot))
            rows, target = self._residuals(strangers)
            both_BE, _ = solve(rows, target, self._augmented(), self._no_gram(), self._penalty(rows))
            bias_B[~hot], vector_BD[~hot] = both_BE[:, 0], both_BE[:, 1:]
        return bias_B, vector_BD

    def _residuals(self, histories: Histories) -> tuple[Rows, np.ndarray]:
        """Returns each row's distinct items and what μ + b_i leaves of their mean rating.

        An item rated n times counts n times, as in training.
        """
        counts = histories.binary(len(self.item_ID))
        sums = histories.matrix(len(self.item_ID))
        ones = Histories(
            histories.indptr, histories.item, np.ones(len(histories.item), np.float32), histories.user
        )
        counts.data = ones.matrix(len(self.item_ID)).data
        rows = Rows.of(counts)
        return rows, (sums.data / rows.value - np.float32(self.mean) - self.item_bias_I[rows.item]).astype(
            np.float32
        )

    def _augmented(self) -> FloatArray:
        """Returns the item vectors behind a 1, which carries the user's bias: [I, 1 + D]."""
        return np.hstack([np.ones((len(self.item_ID), 1), np.float32), self.item_ID])

    def _no_gram(self) -> FloatArray:
        return np.zeros((1 + self.item_ID.shape[1],) * 2, np.float32)

    def _penalty(self, rows: Rows) -> FloatArray:
        """λ n, as training holds back a user of n ratings."""
        n_B = np.add.reduceat(np.append(rows.value, 0), rows.indptr[:-1]) * (rows.lengths > 0)
        return np.maximum(self.penalty * n_B, _LEAST_PENALTY).astype(np.float32)

    def _item_vectors(self) -> FloatArray:
        return self.item_ID

    def _user_vectors(self, histories: Histories) -> FloatArray:
        return self._folded(histories)[1]

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        return without_evidence(cosine(self.item_ID, item_codes), self.memory.popularity)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Decomposes b_u + p_u·q_j of the fold-in; the base is μ + b_j."""
        row, target = self._residuals(history)
        vector_IE = self._augmented()
        parts = reasons(
            history,
            row,
            target,
            vector_IE,
            self._no_gram(),
            float(self._penalty(row)[0]),
            vector_IE[item_codes],
        )
        return np.float32(self.mean) + self.item_bias_I[item_codes], parts
