"""ItemWeights: what models share whose whole knowledge is a sparse weight from item to item."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from scipy import sparse

from recsmith.data import Histories
from recsmith.kernels.sparse_scores import sparse_scores
from recsmith.models.capabilities import Explains, SimilarItems
from recsmith.models.recency import FadingConfig, faded
from recsmith.types import CodeArray, FloatArray


class ItemWeights(SimilarItems, Explains):
    """Scores an item by the sum of the weights from the items of the history to it.

    A model writes `_fit` and `_interest`. Training users and strangers are scored alike. An item that no
    weight leads to scores -inf. An item taken twice is one item.
    """

    config: FadingConfig
    state_names = ("weight_SI",)
    weight_SI: sparse.csr_matrix
    """Row = item in a history, column = candidate; the diagonal is empty."""

    @abstractmethod
    def _interest(self, histories: Histories) -> sparse.csr_matrix:
        """Returns what each item of each history counts before fading, new float32 [B, S], columns sorted."""

    def _asked(self, histories: Histories) -> sparse.csr_matrix:
        """Returns how much each item of each history still counts, float32 [B, S]."""
        return faded(histories, self._interest(histories), self.config.history_half_life)

    def _score(self, histories: Histories) -> FloatArray:
        return sparse_scores(self._asked(histories), self.weight_SI)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns what having the given item adds to the others' scores."""
        rows = self.weight_SI[item_codes]
        return sparse_scores(sparse.eye_array(len(item_codes), dtype=np.float32, format="csr"), rows)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Is exact: an item adds interest × weight, half for each time when taken twice; the base is 0."""
        interest_1S = self._asked(history)
        place_L = np.searchsorted(interest_1S.indices, history.item)
        interest_L = (interest_1S.data / np.bincount(place_L))[place_L]
        part_LK = self.weight_SI[history.item][:, item_codes].toarray() * interest_L[:, None]
        return np.zeros(len(item_codes), np.float32), part_LK.astype(np.float32)
