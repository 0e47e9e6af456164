"""ItemKNN: items taken by the same people (Sarwar et al. 2001; Deshpande and Karypis 2004)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import sparse

from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.kernels.neighbours import nearest_rows
from recsmith.kernels.sparse_scores import sparse_scores
from recsmith.models.capabilities import Explains, PredictsRatings, SimilarItems
from recsmith.models.gigabytes import ask_for
from recsmith.models.neighbourhood.biases import Biases
from recsmith.models.neighbourhood.space import NeighbourConfig, Space, neighbour_matrix
from recsmith.models.recency import faded
from recsmith.models.scoring import block_rows
from recsmith.types import CodeArray, FloatArray


class ItemKNNConfig(NeighbourConfig):
    """Settings of `ItemKNN`: rows are items, columns people."""

    neighbours_of: Literal["candidate", "seen"] = "candidate"
    """Whose nearest items are kept: an item's score counts those of its own neighbours that were taken, or
    each taken item votes for its own neighbours."""


class ItemKNN(SimilarItems, Explains, PredictsRatings):
    """Scores an item by Σ similarity × weight over the items of the history that are its neighbours.

    A predicted rating is the mean rating expected plus the weighted mean of how the person's ratings of its
    neighbours differ from theirs. Fit costs O(Σ_u events of u²) and 32·I·N bytes for N neighbours; a user
    O(events·neighbours + I).
    """

    Config = ItemKNNConfig
    config: ItemKNNConfig
    state_names = ("similarity_SI", "item_bias_I", "rating_mean")
    similarity_SI: sparse.csr_matrix
    """Row = item in a history, column = candidate."""
    item_bias_I: FloatArray
    rating_mean: float

    def _fit(self, data: Dataset, run: Run) -> None:
        n_kept = min(self.config.n_neighbours, max(1, data.n_items - 1))
        ask_for(
            32 * data.n_items * n_kept / 1e9,  # codes and similarities, and as a matrix both ways round
            name="ItemKNN",
            shape=f"{n_kept:,} neighbours of {data.n_items:,} items",
            cure="Lower n_neighbours.",
        )
        matrix_UI = data.matrix()
        matrix_IU = matrix_UI.T.tocsr()
        space = Space.of(self.config, matrix_IU)
        values_IU = space.values(matrix_IU)
        by_candidate = self.config.neighbours_of == "candidate"
        damping = self.config.popularity_damping
        code_IN, similarity_IN = nearest_rows(
            values_IU,
            space.reference(values_IU, power=1.0 - damping if by_candidate else damping),
            scale_Q=space.scale(values_IU, power=damping if by_candidate else 1.0 - damping),
            n_neighbours=n_kept,
            own_Q=np.arange(data.n_items, dtype=np.int32),
            n_threads=run.threads,
        )
        nearest_II = neighbour_matrix(
            code_IN, similarity_IN, data.n_items, amplification=self.config.amplification
        )
        self.similarity_SI = nearest_II.T.tocsr() if by_candidate else nearest_II
        biases = Biases.of(matrix_UI, centring=self.config.centring, damping=self.config.mean_damping)
        self.item_bias_I, self.rating_mean = biases.item_I, biases.mean

    def _score(self, histories: Histories) -> FloatArray:
        return sparse_scores(self._interest(histories), self.similarity_SI)

    def _interest(self, histories: Histories) -> sparse.csr_matrix:
        """Returns how much each item of each history counts, float32 [B, S]."""
        n_items = self.similarity_SI.shape[0]
        by_weight = self.config.interest == "weight"
        interest_BS = histories.matrix(n_items) if by_weight else histories.binary(n_items)
        return faded(histories, interest_BS, self.config.history_half_life)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        if self.config.neighbours_of == "seen":
            nearest_BI = self.similarity_SI[item_codes]
        else:
            nearest_BI = self.similarity_SI[:, item_codes].T.tocsr()
        return sparse_scores(sparse.eye_array(len(item_codes), dtype=np.float32, format="csr"), nearest_BI)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        interest_1S = self._interest(history)
        place_L = np.searchsorted(interest_1S.indices, history.item)
        # An item taken twice is one item: half its part for each time.
        interest_L = (interest_1S.data / np.bincount(place_L))[place_L]
        part_LK = self.similarity_SI[history.item][:, item_codes].toarray() * interest_L[:, None]
        return np.zeros(len(item_codes), np.float32), part_LK.astype(np.float32)

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        biases = Biases(self.rating_mean, self.item_bias_I, self.config.centring, self.config.mean_damping)
        rows, place_n = np.unique(row_n, return_inverse=True)
        people_B = np.zeros(len(rows))
        residual_n = np.full(len(item_n), np.nan)
        size = block_rows(2 * len(self.item_bias_I))
        for start in range(0, len(rows), size):
            matrix_BI = histories.take(rows[start : start + size]).matrix(len(self.item_bias_I))
            people_B[start : start + size] = biases.of_people(matrix_BI)
            residual_BI = biases.residuals(matrix_BI, people_B[start : start + size])
            presence_BI = matrix_BI.copy()
            presence_BI.data[:] = 1.0
            mine = np.flatnonzero((place_n >= start) & (place_n < start + size))
            at = place_n[mine] - start, item_n[mine]
            above_n = sparse_scores(residual_BI, self.similarity_SI)[at]
            below_n = sparse_scores(presence_BI, self.similarity_SI)[at]
            has = below_n > 0
            residual_n[mine[has]] = above_n[has].astype(np.float64) / below_n[has]
        rating_n = biases.rating(people_B[place_n], item_n, residual_n)
        return np.clip(rating_n, *self.memory.weight_range) if self.config.clip else rating_n
