"""PureSVD: truncated singular value decomposition of the interaction matrix. Cremonesi, Koren, Turrin,
Performance of recommender algorithms on top-N recommendation tasks, RecSys 2010; and all of python-recsys."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Choices, Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.models.capabilities import Explains, HasVectors, PredictsRatings, SimilarItems
from recsmith.models.factorization.centring import Centring
from recsmith.models.factorization.shared import by_event, cosine
from recsmith.models.factorization.truncated import truncated
from recsmith.models.recency import FadingConfig, faded
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray


class PureSVDConfig(FadingConfig):
    """Says what matrix is decomposed and how much of it is kept."""

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(8, 256, log=True),
        "weighting": Choices(("weight", "binary")),
        "normalize": Choices((None, "users", "items", "both", "tfidf")),
    }

    embedding_dim: int = Field(50, ge=1)
    """Singular values kept, D; all of them where the matrix has fewer."""
    weighting: Literal["weight", "binary"] = "weight"
    """The matrix holds weights (ratings), or 1 for what was taken."""
    min_values: int = Field(0, ge=0)
    """Users and items with fewer entries are left out, in one pass over the counts of the whole matrix."""
    mean_center: bool = False
    """Take user and item means off the entries first; predictions put back exactly what was taken off."""
    normalize: Literal["users", "items", "both", "tfidf"] | None = None
    """Divide by the length of each user's row, of each item's column, or by the root of both; or tf-idf with
    items as terms and users as documents. Scores and predictions undo it."""
    similarity: Literal["cosine", "dot"] = "cosine"
    """How similar items are: over the rows of VΣ."""
    prediction: Literal["reconstruction", "neighbours"] = "reconstruction"
    """Predict ratings from the low-rank matrix, or as the mean of the person's ratings of the most similar
    items, weighted by similarity."""
    n_neighbours: int = Field(10, ge=1)
    """Items with positive similarity that a prediction by neighbours uses."""

    @model_validator(mode="after")
    def _centring_needs_weights(self) -> Self:
        if self.mean_center and self.weighting == "binary":
            raise ValueError("weighting='weight' with mean_center: ones less their mean are nothing")
        return self


class PureSVD(SimilarItems, Explains, HasVectors, PredictsRatings):
    """Scores by the projection of a history on the D main directions of the training matrix.

    With M = centred and scaled matrix ≈ UΣVᵀ, a row m scores m V Vᵀ, unscaled, plus what centring took off.
    For a training user that is their row of UΣVᵀ, so training users and strangers are scored alike. Items
    left out by `min_values` score -inf. Fit: some 7 D columns are multiplied by the matrix and back, and made
    orthogonal to each other, O(entries·D + S·D²) for the smaller side S, and 64·D·S + 20·D·(U + I) bytes;
    with D beyond S / 8, O(Σ_rows events² + S³) and 64·S² bytes, never the dense matrix. Threads change no
    bit. A user costs O(events·D + I·D).
    """

    Config = PureSVDConfig
    config: PureSVDConfig
    state_names = (
        "item_ID",
        "singular_D",
        "scale_I",
        "kept_I",
        "mean",
        "item_mean_I",
        "item_count_I",
    )
    item_ID: FloatArray
    """V; zero for items left out."""
    singular_D: FloatArray
    """Σ, the largest first."""
    scale_I: FloatArray
    """What normalisation multiplies an item's column by."""
    kept_I: np.ndarray
    mean: float
    item_mean_I: FloatArray
    """Item means less the mean of all."""
    item_count_I: FloatArray

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        matrix = data.matrix() if settings.weighting == "weight" else data.binary()
        counts_U = np.diff(matrix.indptr)
        counts_I = np.bincount(matrix.indices, minlength=data.n_items)
        self.kept_I = counts_I >= max(settings.min_values, 1)
        kept_U = counts_U >= max(settings.min_values, 1)
        kept = _without(matrix[kept_U], self.kept_I).astype(np.float64)
        centring = Centring.of(kept)
        self.mean, self.item_mean_I, self.item_count_I = centring.mean, centring.mean_I, centring.count_I
        if settings.mean_center:
            kept = centring.centred(kept)
        scale_U, scale_I = _scales(kept, settings.normalize)
        self.scale_I = scale_I.astype(np.float32)
        scaled = sparse.diags_array(scale_U) @ kept @ sparse.diags_array(scale_I)
        n_dims = min(settings.embedding_dim, *kept.shape)
        self.singular_D, self.item_ID = truncated(
            sparse.csr_matrix(scaled),
            n_dims,
            generator(run.seed, "pure_svd"),
            name="PureSVD",
            cure="Lower embedding_dim, or raise min_values.",
            n_threads=run.threads,
        )

    @property
    def _centring(self) -> Centring:
        return Centring(self.mean, self.item_mean_I, self.item_count_I)

    def _rows(self, histories: Histories) -> tuple[sparse.csr_matrix, FloatArray, FloatArray]:
        """Returns the rows [B, I] as fit saw them before scaling, their means less the mean, their counts."""
        weights = self.config.weighting == "weight"
        n_items = len(self.item_ID)
        kept = _without(histories.matrix(n_items) if weights else histories.binary(n_items), self.kept_I)
        mean_B, count_B = self._centring.of_rows(kept)
        return (self._centring.centred(kept) if self.config.mean_center else kept), mean_B, count_B

    def _asked(self, histories: Histories) -> tuple[sparse.csr_matrix, FloatArray, FloatArray]:
        """Returns `_rows`, recent events counting more where that is asked for; means are of all alike."""
        rows, mean_B, count_B = self._rows(histories)
        return faded(histories, rows, self.config.history_half_life), mean_B, count_B

    def _score(self, histories: Histories) -> FloatArray:
        rows, mean_B, count_B = self._asked(histories)
        score_BI = self._projected(rows) @ (self.item_ID / self.scale_I[:, None]).T
        if self.config.mean_center:
            score_BI += self._centring.shift(mean_B[:, None], count_B[:, None], slice(None))
        score_BI = score_BI.astype(np.float32, copy=False)
        score_BI[:, ~self.kept_I] = -np.inf
        return score_BI

    def _projected(self, rows: sparse.csr_matrix) -> FloatArray:
        """Returns m V with item scales on: the user's row of UΣ, [B, D]."""
        return (rows @ (self.item_ID * self.scale_I[:, None])).astype(np.float32, copy=False)

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        rows, mean_B, count_B = self._rows(histories)
        known = self.kept_I[item_n] & (count_B[row_n] > 0)
        shift_n = self._centring.shift(mean_B[row_n], count_B[row_n], item_n)
        if self.config.prediction == "neighbours":
            rating_n = self._by_neighbours(histories, row_n, item_n)
            known &= np.isfinite(rating_n)
        else:
            vector_BD = self._projected(rows)
            rating_n = np.einsum("nd,nd->n", vector_BD[row_n], self.item_ID[item_n]) / self.scale_I[item_n]
            if self.config.mean_center:
                rating_n = rating_n + shift_n
        return np.clip(np.where(known, rating_n, shift_n), *self.memory.weight_range)

    def _by_neighbours(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        """Returns Σ sim·r / Σ sim over the person's most similar items; NaN where none has sim > 0."""
        weights = _without(histories.matrix(len(self.item_ID)), self.kept_I)
        rating_n = np.full(len(item_n), np.nan, np.float32)
        space_ID = self.item_ID * self.singular_D
        length_I = np.linalg.norm(space_ID, axis=1, keepdims=True)
        unit_ID = space_ID / np.where(length_I == 0, 1, length_I)
        for row in np.unique(row_n):
            seen = slice(weights.indptr[row], weights.indptr[row + 1])
            codes = weights.indices[seen]
            if not len(codes):
                continue
            asked = np.flatnonzero(row_n == row)
            sim_nL = unit_ID[item_n[asked]] @ unit_ID[codes].T
            sim_nL[item_n[asked][:, None] == codes[None, :]] = 0  # an item is no evidence of itself
            order_nK = np.argsort(-sim_nL, axis=1, kind="stable")[:, : self.config.n_neighbours]
            sim_nK = np.maximum(np.take_along_axis(sim_nL, order_nK, axis=1), 0)
            total_n = sim_nK.sum(axis=1)
            weighted_n = (sim_nK * weights.data[seen][order_nK]).sum(axis=1)
            rating_n[asked] = np.divide(
                weighted_n, total_n, out=np.full(len(asked), np.nan, np.float32), where=total_n > 0
            )
        return rating_n

    def _item_vectors(self) -> FloatArray:
        """VΣ, scaled back; user vector · item vector is the score less what centring took off."""
        return self.item_ID * self.singular_D / self.scale_I[:, None]

    def _user_vectors(self, histories: Histories) -> FloatArray:
        """m V Σ⁻¹: of a training user, their row of U."""
        inverse_D = np.divide(
            1, self.singular_D, out=np.zeros_like(self.singular_D), where=self.singular_D > 0
        )
        return self._projected(self._asked(histories)[0]) * inverse_D

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        space_ID = self.item_ID * self.singular_D
        if self.config.similarity == "cosine":
            score_BI = cosine(space_ID, item_codes)
        else:
            score_BI = space_ID[item_codes] @ space_ID.T
        score_BI[:, ~self.kept_I] = -np.inf
        return score_BI

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Is exact: event i adds m_i v_i·v_j; the base is what centring took off (0 without)."""
        rows, mean_B, count_B = self._asked(history)
        asked_KD = self.item_ID[item_codes] / self.scale_I[item_codes, None]
        seen_ND = self.item_ID[rows.indices] * self.scale_I[rows.indices, None]
        part_NK = rows.data[:, None] * (seen_ND @ asked_KD.T)
        base_K = np.zeros(len(item_codes), np.float32)
        if self.config.mean_center:
            base_K = self._centring.shift(mean_B, count_B, item_codes).astype(np.float32)
        return base_K, by_event(history, rows.indices, part_NK)


def _without(matrix: sparse.csr_matrix, kept_I: np.ndarray) -> sparse.csr_matrix:
    """Returns the matrix with the entries of other columns gone; its shape stays."""
    keep = kept_I[matrix.indices]
    before = np.concatenate([[0], np.cumsum(keep)])
    return sparse.csr_matrix(
        (matrix.data[keep], matrix.indices[keep], before[matrix.indptr]), shape=matrix.shape
    )


def _scales(matrix: sparse.csr_matrix, normalize: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the factors of rows and columns; 1 for an empty one."""
    scale_U, scale_I = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    length_U = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    length_I = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    if normalize == "users":
        scale_U = length_U
    elif normalize == "items":
        scale_I = length_I
    elif normalize == "both":
        scale_U, scale_I = np.sqrt(length_U), np.sqrt(length_I)
    elif normalize == "tfidf":
        scale_U = np.asarray(abs(matrix).sum(axis=1)).ravel()
        # log(1 + N/df), not log(N/df), which is 0 for an item that everybody took and could not be undone.
        taken_I = np.bincount(matrix.indices, minlength=matrix.shape[1])
        scale_I = 1 / np.log1p(matrix.shape[0] / np.maximum(taken_I, 1))
    return 1 / np.where(scale_U == 0, 1, scale_U), 1 / np.where(scale_I == 0, 1, scale_I)
