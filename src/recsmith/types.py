"""The words that rooms exchange: recommendations, reasons, array names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Id = int | str
FloatArray = npt.NDArray[np.float32]
CodeArray = npt.NDArray[np.int32]

USER_ID, ITEM_ID, SCORE, RANK = "user_id", "item_id", "score", "rank"


@dataclass(frozen=True)
class Recommendation:
    """Is one line of a list: rank counts from 1."""

    item_id: Id
    score: float
    rank: int


@dataclass(frozen=True)
class Recommendations:
    """Holds one list for each person, best first; a short list is short.

    `user_ids[b]` is who list b is for: an id, or for a person given by a history its place in the call.
    `item_ids[b]` and `scores[b]` run in parallel.
    """

    user_ids: tuple[Id, ...]
    item_ids: tuple[tuple[Id, ...], ...]
    scores: tuple[tuple[float, ...], ...]

    def __len__(self) -> int:
        return len(self.user_ids)

    def __iter__(self) -> Iterator[tuple[Id, list[Recommendation]]]:
        for user_id, items, scores in zip(self.user_ids, self.item_ids, self.scores, strict=True):
            pairs = zip(items, scores, strict=True)
            yield user_id, [Recommendation(item, score, rank) for rank, (item, score) in enumerate(pairs, 1)]

    def to_frame(self) -> pl.DataFrame:
        """Returns the table user_id, item_id, score, rank."""
        lengths = [len(items) for items in self.item_ids]
        return pl.DataFrame(
            {
                USER_ID: pl.Series(
                    [u for u, n in zip(self.user_ids, lengths, strict=True) for _ in range(n)]
                ),
                ITEM_ID: pl.Series([item for items in self.item_ids for item in items]),
                SCORE: pl.Series([score for scores in self.scores for score in scores], dtype=pl.Float32),
                RANK: pl.Series([rank for n in lengths for rank in range(1, n + 1)], dtype=pl.Int32),
            }
        )

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


@dataclass(frozen=True)
class Reason:
    """Says how much one item of a person's history adds to a score."""

    item_id: Id
    weight: float


@dataclass(frozen=True)
class Explanation:
    """Says why an item got its score: `score` = `base` + the sum of all contributions.

    `because` holds the largest contributions, best first; `rest` is the sum of those not listed.
    """

    item_id: Id
    score: float
    because: tuple[Reason, ...]
    base: float = 0.0
    rest: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {
            "item_id": self.item_id,
            "score": self.score,
            "base": self.base,
            "rest": self.rest,
            "because": [{"item_id": reason.item_id, "weight": reason.weight} for reason in self.because],
        }
