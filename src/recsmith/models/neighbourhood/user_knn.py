"""UserKNN: what people alike have taken (Resnick et al., GroupLens, 1994; Herlocker et al. 1999)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.kernels.nearest_mean import mean_of_nearest
from recsmith.kernels.neighbours import dense_with_gaps, nearest_rows
from recsmith.kernels.similarity import Reference
from recsmith.kernels.sparse_scores import sparse_scores
from recsmith.models.capabilities import Explains, PredictsRatings
from recsmith.models.memory import Memory
from recsmith.models.neighbourhood.biases import Biases
from recsmith.models.neighbourhood.space import NeighbourConfig, Space, neighbour_matrix
from recsmith.models.recency import recency
from recsmith.types import CodeArray, FloatArray

_BUILDING = threading.Lock()


class UserKNNConfig(NeighbourConfig):
    """Settings of `UserKNN`: rows are people, columns items."""

    search_space: ClassVar[SearchSpace] = {
        **NeighbourConfig.search_space,
        "candidate_damping": Range(0.0, 0.8),
    }

    candidate_damping: float = Field(default=0.0, ge=0)
    """Scores are divided by |N(item)| to this power: at 0 neighbours add up, so that what many took leads;
    towards 1 it is their mean that counts."""

    @field_validator("similarity")
    @classmethod
    def _half_life_is_for_sums(cls, value: str, info: ValidationInfo) -> str:
        if value in ("pearson", "adjusted_cosine") and info.data.get("history_half_life") is not None:
            raise ValueError("a cosine or 'jaccard' with history_half_life")
        return value


class UserKNN(Explains, PredictsRatings):
    """Scores an item by Σ similarity × weight over the nearest people who took it.

    Neighbours are found from the history when a list is asked for, so a stranger and a known user with the
    same history get the same list. People all of whose items are in the history are no neighbours: they
    have nothing to add. A predicted rating takes the nearest of those who rated the item. Fit costs O(events)
    time and memory; a user O(Σ_{i in history} people of i + neighbours' events + U + I).
    """

    Config = UserKNNConfig
    config: UserKNNConfig
    _built: _People | None = None

    def _fit(self, data: Dataset, run: Run) -> None:
        self._training()

    def _training(self) -> _People:
        """Returns the training people, ready for a search; built once, from the histories the model keeps."""
        with _BUILDING:
            if self._built is None or self._built.memory is not self.memory:
                self._built = _People.of(self.config, self.memory)
            return self._built

    def _score(self, histories: Histories) -> FloatArray:
        people = self._training()
        nearest_BU = people.nearest(*people.query(histories))
        return sparse_scores(nearest_BU, people.interest_UI)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        people = self._training()
        values_1I, scale_1 = people.query(history)
        nearest_1U = people.nearest(values_1I, scale_1)
        added_UK = nearest_1U.data[:, None] * people.interest_UI[nearest_1U.indices][:, item_codes].toarray()
        share_UI = people.shares(values_1I, nearest_1U.indices)
        # An item taken twice is one item: half its part for each time.
        place_L = np.searchsorted(values_1I.indices, history.item)
        part_LK = (share_UI.T @ added_UK)[place_L] / np.bincount(place_L)[place_L][:, None]
        return np.zeros(len(item_codes), np.float32), part_LK.astype(np.float32)

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        people = self._training()
        rows, place_n = np.unique(row_n, return_inverse=True)
        matrix_BI = histories.take(rows).matrix(people.n_items)
        # Each pair is an entry of a sparse matrix; `entry` says where a pair's answer will be.
        pairs, entry = np.unique(place_n * people.n_items + item_n.astype(np.int64), return_inverse=True)
        wanted_BI = sparse.csr_matrix(
            (
                np.ones(len(pairs), np.float32),
                pairs % people.n_items,
                np.searchsorted(pairs // people.n_items, np.arange(len(rows) + 1)),
            ),
            shape=(len(rows), people.n_items),
        )
        residual_n = people.mean_residuals(matrix_BI, wanted_BI)[entry]
        expected_B = people.biases.of_people(matrix_BI)
        rating_n = people.biases.rating(expected_B[place_n], item_n, residual_n)
        return np.clip(rating_n, *self.memory.weight_range) if self.config.clip else rating_n


@dataclass(frozen=True, eq=False)
class _People:
    """Holds the training people as rows to compare with."""

    config: UserKNNConfig
    memory: Memory
    matrix_UI: sparse.csr_matrix
    space: Space
    values_UI: sparse.csr_matrix
    reference: Reference

    @classmethod
    def of(cls, config: UserKNNConfig, memory: Memory) -> _People:
        """Returns the people of a memory."""
        matrix_UI = memory.histories.matrix(len(memory.items))
        space = Space.of(config, matrix_UI)
        values_UI = space.values(matrix_UI)
        reference = space.reference(values_UI, power=config.popularity_damping)
        return cls(config, memory, matrix_UI, space, values_UI, reference)

    @property
    def n_items(self) -> int:
        """The number of items."""
        return int(self.matrix_UI.shape[1])

    @cached_property
    def interest_UI(self) -> sparse.csr_matrix:
        """What a neighbour's item counts."""
        interest = self.matrix_UI.copy()
        if self.config.interest == "binary":
            interest.data[:] = 1.0
        if self.config.candidate_damping:
            n_people_I = np.maximum(np.bincount(interest.indices, minlength=self.n_items), 1.0)
            damping_I = (n_people_I**-self.config.candidate_damping).astype(np.float32)
            interest.data *= damping_I[interest.indices]
        return interest

    @cached_property
    def biases(self) -> Biases:
        """The means of the ratings."""
        return Biases.of(self.matrix_UI, centring=self.config.centring, damping=self.config.mean_damping)

    @cached_property
    def residual_IU(self) -> sparse.csr_matrix:
        """The ratings less their means, by item."""
        return self.biases.residuals(self.matrix_UI, self.biases.of_people(self.matrix_UI)).T.tocsr()

    def query(self, histories: Histories) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Returns the values and scales of people who look for neighbours; older events count less."""
        matrix_BI = histories.matrix(self.n_items)
        values_BI = self.space.values(matrix_BI)
        values_BI.data *= recency(histories, matrix_BI, self.config.history_half_life)
        return values_BI, self._scale(values_BI)

    def _scale(self, values_BI: sparse.csr_matrix) -> np.ndarray:
        return self.space.scale(values_BI, power=1.0 - self.config.popularity_damping)

    def nearest(self, values_BI: sparse.csr_matrix, scale_B: np.ndarray) -> sparse.csr_matrix:
        """Returns the nearest people of each query and how near they are, float32 [B, U]."""
        code_BN, similarity_BN = nearest_rows(
            values_BI,
            self.reference,
            scale_Q=scale_B,
            n_neighbours=self.config.n_neighbours,
            only_with_more=True,
        )
        return neighbour_matrix(
            code_BN, similarity_BN, len(self.reference), amplification=self.config.amplification
        )

    def mean_residuals(self, matrix_BI: sparse.csr_matrix, wanted_BI: sparse.csr_matrix) -> np.ndarray:
        """Returns the weighted mean residual of the nearest raters for each wanted entry; NaN for none."""
        values_BI = self.space.values(matrix_BI)
        return mean_of_nearest(
            values_BI,
            self.reference,
            scale_Q=self._scale(values_BI),
            n_neighbours=self.config.n_neighbours,
            answer_IR=self.residual_IU,
            wanted_QI=wanted_BI,
            amplification=self.config.amplification,
        )

    def shares(self, values_1I: sparse.csr_matrix, codes: np.ndarray) -> np.ndarray:
        """Returns float64 [neighbours, items of the row]: each item's part of a similarity; rows sum to 1."""
        items = values_1I.indices
        x_I = values_1I.data.astype(np.float64)
        y_UI = dense_with_gaps(self.values_UI[codes][:, items]).astype(np.float64)
        is_shared = ~np.isnan(y_UI)
        w_UI = np.where(is_shared, self.space.weight_T[items].astype(np.float64), 0.0)
        y_UI = np.where(is_shared, y_UI, 0.0)
        x_UI = np.where(is_shared, x_I, 0.0)
        if self.config.similarity == "pearson":
            total_U1 = w_UI.sum(axis=1, keepdims=True)
            x_UI -= (w_UI * x_UI).sum(axis=1, keepdims=True) / total_U1
            y_UI -= (w_UI * y_UI).sum(axis=1, keepdims=True) / total_U1
        part_UI = w_UI * x_UI * y_UI
        return part_UI / part_UI.sum(axis=1, keepdims=True)
