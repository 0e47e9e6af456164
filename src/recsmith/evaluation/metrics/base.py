"""What a metric is: a small object that turns a block of users into one number each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsmith.errors import InvalidValue
from recsmith.kernels.hits import hits

HEAD_SHARE = 0.8
"""The head of the catalogue is the fewest items that hold this share of the train interactions."""


@dataclass(frozen=True)
class Catalogue:
    """What metrics beyond accuracy know of the items: their popularity in train and their vectors.

    `n_holders_I` counts the train users who have each item, `n_users` all train users. `vectors_IF` has a row
    an item, for Diversity; `vectors_from` says where it is from.
    """

    n_holders_I: NDArray[np.int64]
    n_users: int
    vectors_IF: sparse.csr_matrix | None = None
    vectors_from: str = "none"

    @property
    def n_items(self) -> int:
        """Says how many items the catalogue lists, whether anybody had them or not."""
        return len(self.n_holders_I)

    @cached_property
    def information_I(self) -> NDArray[np.float64]:
        """Gives each item's self-information, −log2 of the share of train users who have it.

        Nobody counts as one user.
        """
        share_I = np.maximum(self.n_holders_I, 1) / max(self.n_users, 1)
        return np.asarray(-np.log2(np.minimum(share_I, 1.0)) + 0.0)

    @cached_property
    def in_tail_I(self) -> NDArray[np.bool_]:
        """Marks the items outside the head, the fewest items that hold 80 % of the interactions."""
        order_I = np.argsort(-self.n_holders_I, kind="stable")
        held_I = np.cumsum(self.n_holders_I[order_I])
        total = int(held_I[-1]) if len(held_I) else 0
        n_head = int(np.searchsorted(held_I, HEAD_SHARE * total)) + 1 if total else 0
        tail_I = np.ones(self.n_items, dtype=np.bool_)
        tail_I[order_I[:n_head]] = False
        return tail_I

    @cached_property
    def unit_vectors_IF(self) -> sparse.csr_matrix:
        """Gives the item vectors with rows of length one; an item without features keeps a row of zeros."""
        if self.vectors_IF is None:
            cure = "Pass item_vectors=, a row an item."
            raise InvalidValue("item_vectors", "given for Diversity", None, cure)
        vectors_IF = sparse.csr_matrix(self.vectors_IF, dtype=np.float64)
        norm_I = np.sqrt(np.asarray(vectors_IF.multiply(vectors_IF).sum(axis=1)).ravel())
        scale_I = np.divide(1.0, norm_I, out=np.zeros_like(norm_I), where=norm_I > 0)
        unit_IF = sparse.csr_matrix(sparse.diags(scale_I) @ vectors_IF)
        unit_IF.eliminate_zeros()
        return unit_IF


@dataclass(frozen=True)
class RankedLists:
    """The lists of one block of users, best first, and which of their items are relevant.

    `item_BK` holds item codes and −1 after the end of a short list; `hit_BK` says which of them are relevant;
    `n_relevant_B` counts all that is relevant to a user, listed or not.
    """

    item_BK: NDArray[np.int32]
    hit_BK: NDArray[np.bool_]
    n_relevant_B: NDArray[np.int64]
    catalogue: Catalogue

    @classmethod
    def of(cls, item_BK: NDArray[np.int32], relevant: sparse.csr_matrix, catalogue: Catalogue) -> RankedLists:
        """Marks the hits: `relevant` is [B, I] with sorted indices; every stored entry is relevant."""
        indptr, indices = relevant.indptr.astype(np.int64), relevant.indices.astype(np.int32)
        codes_BK = np.ascontiguousarray(item_BK, dtype=np.int32)
        return cls(codes_BK, hits(codes_BK, indptr, indices), np.diff(indptr), catalogue)

    def __len__(self) -> int:
        return len(self.item_BK)


@dataclass(frozen=True)
class Ratings:
    """True and predicted values of one block of users: user b owns rows indptr[b]:indptr[b + 1]."""

    indptr: NDArray[np.int64]
    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]

    @property
    def user_of_row(self) -> NDArray[np.int64]:
        """Gives the position in the block of each row's user."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def sums(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Adds a value a row up to a sum a user, [B]."""
        total_B = np.bincount(self.user_of_row, weights=value, minlength=len(self.indptr) - 1)
        return total_B.astype(np.float64)


class Metric(ABC):  # noqa: B024 (its two kinds of verb are in the classes below)
    """One figure of merit; the class name is the printed name, so adding a metric is adding a class."""

    higher_is_better: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Gives the name that tables and files print, such as `NDCG@10`."""
        return type(self).__name__


class UserMetric(Metric):
    """A metric with a value a user; a user for whom it is not defined has NaN and is left out and counted.

    The figure is `figure(Σ w·addend(value) / Σ w)` over users, w = 1, or the user's number of test ratings
    where `by_rating` is true. That form is what the bootstrap resamples.
    """

    by_rating: ClassVar[bool] = False

    def addend(self, value_U: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turns per-user values into what is averaged."""
        return value_U

    def figure(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turns averages back into the metric's own unit."""
        return mean


@dataclass(frozen=True)
class RankingMetric(UserMetric):
    """A metric over each user's first k items."""

    k: int = field()

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise InvalidValue("k", "a whole number of 1 or more", self.k, "Write for instance NDCG@10.")

    @property
    def name(self) -> str:
        """Gives the name with its cut-off, such as `NDCG@10`."""
        return f"{type(self).__name__}@{self.k}"

    @abstractmethod
    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives a value a user, [B]; NaN leaves the user out."""


class RatingMetric(UserMetric):
    """A metric over pairs of a true and a predicted value."""

    @abstractmethod
    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives a value a user, [B]; NaN leaves the user out."""


@dataclass(frozen=True)
class CatalogueMetric(Metric):
    """A metric of all lists together, from how often each item was listed.

    It has no interval: resampled users repeat lists, so they reach fewer distinct items than the users do,
    and a percentile interval would lie beside the value it belongs to.
    """

    k: int = field()

    def __post_init__(self) -> None:
        RankingMetric.__post_init__(self)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """Gives the name with its cut-off, such as `Coverage@10`."""
        return f"{type(self).__name__}@{self.k}"

    @abstractmethod
    def value(self, count_I: NDArray[np.int64]) -> float:
        """Gives the figure from the number of lists that hold each item of the catalogue."""


class LabelMetric(Metric):
    """A metric of all test events together, each with a label (liked or not) and a score."""

    @abstractmethod
    def values(
        self,
        label_N: NDArray[np.bool_],
        score_N: NDArray[np.float64],
        user_N: NDArray[np.int64],
        weight_SU: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Gives a figure for each row of weights, [S]: event n counts `weight_SU[s, user_N[n]]` times."""
