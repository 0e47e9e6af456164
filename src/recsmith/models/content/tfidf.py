"""TfIdfContent: items like those a person liked, by their metadata (Salton and Buckley 1988)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Config, Run
from recsmith.config.space import Choices, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.data.dataset import Feature
from recsmith.errors import InvalidValue, nearest
from recsmith.kernels.sparse_scores import sparse_scores
from recsmith.kernels.weighting import column_counts, inverse_document_frequency, row_norms
from recsmith.models.capabilities import Explains, SimilarItems
from recsmith.models.content.tokens import token_counts
from recsmith.types import CodeArray, FloatArray

NOTHING = 1e-6
"""Of a profile of length 1: what is left by rounding of a token whose likes and dislikes cancel."""


class TfIdfContentConfig(Config):
    """Settings of `TfIdfContent`."""

    search_space: ClassVar[SearchSpace] = {
        "profile": Choices(("weight", "centred", "binary")),
        "min_items": Choices((1, 2, 5)),
    }

    features: tuple[str, ...] | None = None
    """The item features to use, in any order; all that the data declares when not given."""
    feature_weights: Mapping[str, float] = Field(default_factory=dict)
    """What a feature's tokens are multiplied by; 1 where not given, 0 leaves the feature out."""
    profile: Literal["weight", "centred", "binary"] = "weight"
    """How a person's items add up: by rating, by rating less the person's mean (what is liked less pulls
    away; when all ratings are equal, each counts 1), or each as 1."""
    n_buckets: int = Field(default=10, ge=1)
    """Numbers and times fall into so many quantiles."""
    min_items: int = Field(default=1, ge=1)
    """Tokens of fewer items are left out."""


class TfIdfContent(SimilarItems, Explains):
    """Scores the cosine between an item's TF-IDF vector and the weighted sum of the history's vectors.

    Recommends items that nobody has taken; says nothing of items without metadata. Fit costs O(I·tokens of an
    item) time and memory; a user O(Σ_{tokens of the history} items with the token + I).
    """

    Config = TfIdfContentConfig
    config: TfIdfContentConfig
    state_names = ("vector_IT", "item_TI")
    vector_IT: sparse.csr_matrix
    """Unit rows."""
    item_TI: sparse.csr_matrix
    """The same, by token."""

    def _fit(self, data: Dataset, run: Run) -> None:
        parts = [self._feature_vectors(data, feature) for feature in self._features(data)]
        self.vector_IT = unit_rows(sparse.hstack(parts, format="csr", dtype=np.float32))
        self.item_TI = self.vector_IT.T.tocsr()

    def _features(self, data: Dataset) -> list[Feature]:
        known = {feature.name: feature for feature in data.item_features}
        if not known or data.item_table is None:
            raise InvalidValue(
                "data.item_features", "at least one feature for TfIdfContent", (), "Join a table of items."
            )
        names = tuple(known) if self.config.features is None else self.config.features
        for name in (*names, *self.config.feature_weights):
            if name not in known:
                requirement = f"among the item features ({', '.join(known)})"
                raise InvalidValue("TfIdfContent.features", requirement, name, nearest(name, known))
        return [known[name] for name in names if self.config.feature_weights.get(name, 1.0) != 0.0]

    def _feature_vectors(self, data: Dataset, feature: Feature) -> sparse.csr_matrix:
        """Returns (1 + log tf) · idf of one feature's tokens, times the feature's weight."""
        assert data.item_table is not None
        count_IT, _ = token_counts(data.item_table, feature, n_buckets=self.config.n_buckets)
        items_T = column_counts(count_IT)
        vector_IT = count_IT[:, items_T >= self.config.min_items]
        idf_T = inverse_document_frequency(column_counts(vector_IT), vector_IT.shape[0])
        vector_IT.data = (1.0 + np.log(vector_IT.data)) * idf_T[vector_IT.indices]
        return vector_IT * np.float32(self.config.feature_weights.get(feature.name, 1.0))

    def _score(self, histories: Histories) -> FloatArray:
        profile_BT = self._weights(histories) @ self.vector_IT
        unit_BT = unit_rows(profile_BT)
        unit_BT.data[np.abs(unit_BT.data) < NOTHING] = 0
        unit_BT.eliminate_zeros()
        return sparse_scores(unit_BT, self.item_TI)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        return sparse_scores(self.vector_IT[item_codes], self.item_TI)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        weight_L = event_weights(history, self.config.profile)
        profile_BT = self._weights(history) @ self.vector_IT
        length = float(row_norms(profile_BT)[0]) or 1.0
        alike_LK = (self.vector_IT[history.item] @ self.vector_IT[item_codes].T).toarray()
        return np.zeros(len(item_codes), np.float32), alike_LK * (weight_L / length)[:, None]

    def _weights(self, histories: Histories) -> sparse.csr_matrix:
        """Returns how much each item of each history counts, float32 [B, I]."""
        weighted = Histories(
            histories.indptr, histories.item, event_weights(histories, self.config.profile), histories.user
        )
        return weighted.matrix(self.vector_IT.shape[0])


def event_weights(histories: Histories, profile: str) -> FloatArray:
    """Returns float32[events]: what each event adds to its row's profile; see `profile` in the config."""
    if profile == "binary":
        return np.ones(len(histories.weight), np.float32)
    if profile == "weight":
        return histories.weight.astype(np.float32)
    row_n = np.repeat(np.arange(len(histories)), histories.lengths)
    weight_n = histories.weight.astype(np.float64)
    total_B = np.bincount(row_n, weight_n, minlength=len(histories))
    centred_n = weight_n - (total_B / np.maximum(histories.lengths, 1))[row_n]
    spread_B = np.zeros(len(histories))
    np.maximum.at(spread_B, row_n, np.abs(centred_n))
    return np.where(spread_B[row_n] > 1e-6, centred_n, 1.0).astype(np.float32)


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Returns the rows divided by their Euclidean length, float32, in column order; empty rows stay empty."""
    length_R = row_norms(matrix)
    scaled = matrix.astype(np.float32, copy=True)
    scaled.data /= np.repeat(np.where(length_R > 0, length_R, 1.0), np.diff(matrix.indptr)).astype(np.float32)
    scaled.sort_indices()
    return scaled
