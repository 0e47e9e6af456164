"""What makes two rows neighbours: the settings that ItemKNN and UserKNN share, and their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from scipy import sparse

from recsmith.config.space import Choices, Range, SearchSpace
from recsmith.errors import InvalidValue
from recsmith.kernels import weighting
from recsmith.kernels.similarity import Kind, Reference
from recsmith.models.recency import FadingConfig

Similarity = Literal["cosine", "weighted_cosine", "jaccard", "pearson", "adjusted_cosine"]

_KIND: dict[Similarity, Kind] = {
    "cosine": "cosine",
    "weighted_cosine": "cosine",
    "jaccard": "jaccard",
    "pearson": "pearson",
    "adjusted_cosine": "adjusted_cosine",
}
_ON_PRESENCE = ("cosine", "jaccard")


class NeighbourConfig(FadingConfig):
    """Settings that item and user neighbours share; "row" is what is compared, "column" what they share."""

    search_space: ClassVar[SearchSpace] = {
        "n_neighbours": Range(10, 1000, log=True),
        "weighting": Choices(("none", "tfidf", "bm25")),
        "popularity_damping": Range(0.2, 0.8),
        "shrinkage": Range(0.0, 100.0),
        "amplification": Range(0.5, 3.0, log=True),
        "interest": Choices(("weight", "binary")),
        "inverse_frequency": Choices((False, True)),
    }

    n_neighbours: int = Field(default=100, ge=1)
    """How many of the most similar rows are kept."""
    similarity: Similarity = "cosine"
    """`cosine` on co-occurrence, |N(i) ∩ N(j)| / sqrt(|N(i)| · |N(j)|); `weighted_cosine` on the weights;
    `jaccard`, |N(i) ∩ N(j)| / |N(i) ∪ N(j)|; `pearson` on the weights of shared columns; `adjusted_cosine`,
    the same sums with each column's mean taken off instead of each row's."""
    weighting: Literal["none", "tfidf", "bm25"] = "none"
    """For the cosines: what an entry counts, with rows as documents and columns as terms."""
    bm25_k1: float = Field(default=1.2, ge=0)
    """How slowly a larger weight stops counting more."""
    bm25_b: float = Field(default=0.75, ge=0, le=1)
    """How much long rows are discounted."""
    inverse_frequency: bool = False
    """A shared column counts 1 / log(1 + |N(column)|): two people who share a rare item have more in common
    (Breese et al. 1998; item-IUF)."""
    popularity_damping: float = Field(default=0.5, ge=0, le=1)
    """For the cosines: the exponent α of the recommended (neighbouring) row's norm in
    x·y / (|x|^2(1−α) |y|^2α); above 1/2, popular rows are neighbours less often."""
    shrinkage: float = Field(default=0.0, ge=0)
    """Similarities of c shared columns are multiplied by c / (c + shrinkage)."""
    min_common: int = Field(default=1, ge=1)
    """Rows that share fewer columns are no neighbours."""
    amplification: float = Field(default=1.0, gt=0)
    """Similarities are raised to this power: above 1, the nearest count more (Breese et al. 1998)."""
    interest: Literal["weight", "binary"] = "weight"
    """Whether a score adds up similarity × weight (rating) or similarity alone."""
    centring: Literal["both", "item", "user", "none"] = "both"
    """For rating prediction: the mean that is taken off a rating and put back exactly."""
    mean_damping: float = Field(default=5.0, ge=0)
    """For rating prediction: means of n ratings are drawn to the middle as if there were so many more."""
    clip: bool = True
    """For rating prediction: no prediction leaves the scale of the training ratings."""

    @field_validator("weighting")
    @classmethod
    def _weighting_is_for_cosines(cls, value: str, info: ValidationInfo) -> str:
        similarity = info.data.get("similarity")
        if value != "none" and similarity not in (None, "cosine", "weighted_cosine"):
            raise ValueError(f"'none' with similarity {similarity!r}")
        return value

    @field_validator("popularity_damping")
    @classmethod
    def _damping_is_for_cosines(cls, value: float, info: ValidationInfo) -> float:
        similarity = info.data.get("similarity")
        if value != 0.5 and similarity not in (None, "cosine", "weighted_cosine"):
            raise ValueError(f"0.5 with similarity {similarity!r}")
        return value


@dataclass(frozen=True, eq=False)
class Space:
    """Says how rows over certain columns are compared: learnt from training rows, meant for any row."""

    config: NeighbourConfig
    idf_T: np.ndarray | None
    weight_T: np.ndarray
    """float32: what sharing a column counts."""
    mean_T: np.ndarray | None
    """float32: the mean of each column, for the adjusted cosine."""
    mean_length: float
    """The mean sum of a training row, for BM25."""

    @classmethod
    def of(cls, config: NeighbourConfig, matrix_RT: sparse.csr_matrix) -> Space:
        """Learns the columns' statistics from training rows."""
        n_rows, n_columns = matrix_RT.shape
        rows_T = weighting.column_counts(matrix_RT)
        by_presence = config.similarity in _ON_PRESENCE
        entries = np.ones(1) if by_presence else matrix_RT.data
        if config.weighting == "bm25" and entries.min(initial=0) < 0:
            raise InvalidValue("weights", "0 or more with weighting 'bm25'", float(entries.min()))
        total = float(matrix_RT.nnz) if by_presence else float(entries.sum(dtype=np.float64))
        mean_T = None
        if config.similarity == "adjusted_cosine":
            sum_T = np.bincount(matrix_RT.indices, matrix_RT.data, minlength=n_columns)
            mean_T = (sum_T / np.maximum(rows_T, 1)).astype(np.float32)
        return cls(
            config=config,
            idf_T=(
                None if config.weighting == "none" else weighting.inverse_document_frequency(rows_T, n_rows)
            ),
            weight_T=(
                weighting.inverse_log_frequency(rows_T)
                if config.inverse_frequency
                else np.ones(n_columns, np.float32)
            ),
            mean_T=mean_T,
            mean_length=total / max(n_rows, 1),
        )

    def values(self, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        """Returns what is compared of rows: presence or weights, then TF-IDF, BM25 or centring."""
        entries = _entries(self.config, matrix)
        if self.mean_T is not None:
            entries.data -= self.mean_T[entries.indices]
        if self.idf_T is None:
            return entries
        if self.config.weighting == "tfidf":
            return weighting.tfidf(entries, self.idf_T)
        return weighting.bm25(
            entries, self.idf_T, k1=self.config.bm25_k1, b=self.config.bm25_b, mean_length=self.mean_length
        )

    def scale(self, values: sparse.csr_matrix, *, power: float) -> np.ndarray:
        """Returns float64 a row: 1 / norm^(2·power) for cosines, the set's size for Jaccard."""
        if self.config.similarity == "jaccard":
            return values @ self.weight_T.astype(np.float64)
        return weighting.inverse_power(weighting.row_norms(values), 2.0 * power)

    def reference(self, values_RT: sparse.csr_matrix, *, power: float) -> Reference:
        """Returns the rows among which neighbours are sought."""
        return Reference.of(
            values_RT,
            kind=_KIND[self.config.similarity],
            scale_R=self.scale(values_RT, power=power),
            weight_T=self.weight_T,
            shrinkage=self.config.shrinkage,
            min_common=self.config.min_common,
        )


def neighbour_matrix(
    code_QN: np.ndarray, similarity_QN: np.ndarray, n_rows: int, *, amplification: float
) -> sparse.csr_matrix:
    """Returns nearest rows as a sparse float32 [Q, R], similarities raised to `amplification`."""
    is_kept = code_QN >= 0
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_kept.sum(axis=1))])
    values = (similarity_QN[is_kept].astype(np.float64) ** amplification).astype(np.float32)
    matrix = sparse.csr_matrix((values, code_QN[is_kept], indptr), shape=(len(code_QN), n_rows))
    matrix.sort_indices()
    return matrix


def _entries(config: NeighbourConfig, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Returns a copy of the rows in column order, as presence where the similarity goes by presence."""
    entries = matrix.astype(np.float32, copy=True)
    entries.sort_indices()
    if config.similarity in _ON_PRESENCE:
        entries.data[:] = 1.0
    return entries
