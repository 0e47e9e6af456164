"""Scores of different models on one scale, person by person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsmith.data import Histories
from recsmith.types import CodeArray, FloatArray

Scale = Literal["standard", "rank"]
FLAT = 1e-6
"""A deviation below this share of the largest score is rounding: all items are alike."""


@dataclass(frozen=True, eq=False)
class Comparable:
    """Holds one model's scores of a block of people, on a scale that others' are on too."""

    score_BI: FloatArray
    """float32; the lowest of a row where the model says nothing, 0 where it says nothing at all."""
    known_BI: np.ndarray
    """Where the model says something."""
    deviation_B: np.ndarray | None
    """What standard scores were divided by, 0 where all are alike; None for ranks."""

    def per_unit(self, part_K: np.ndarray, item_codes: CodeArray) -> np.ndarray:
        """Returns what a unit of the model's own score is worth here, for the first person's items [K].

        `part_K` is what the model's reasons come to, among which a rank is divided.
        """
        if self.deviation_B is not None:
            deviation = self.deviation_B[0]
            return np.full(len(part_K), 1 / deviation if deviation > 0 else 0.0)
        return np.divide(
            self.score_BI[0, item_codes], part_K, out=np.zeros(len(part_K)), where=np.abs(part_K) > 1e-12
        )


def comparable(score_BI: FloatArray, histories: Histories, *, scale: Scale) -> Comparable:
    """Returns the scores on one scale; seen items are on it too, but do not shape it.

    `standard`: less the mean of the unseen items that are known, over their standard deviation. `rank`: the
    share of those items that score less, equals counting half; 0 where nothing is known.
    """
    known_BI = np.isfinite(score_BI)
    shaping_BI = known_BI.copy()
    row_n = np.repeat(np.arange(len(histories)), histories.lengths)
    shaping_BI[row_n, histories.item] = False
    alone_B = ~shaping_BI.any(axis=1)
    shaping_BI[alone_B] = known_BI[alone_B]
    if scale == "rank":
        return Comparable(_ranks(score_BI, known_BI, shaping_BI), known_BI, None)
    value_BI = np.where(known_BI, score_BI, 0).astype(np.float64)
    count_B1 = np.maximum(shaping_BI.sum(axis=1, keepdims=True), 1)
    mean_B1 = (value_BI * shaping_BI).sum(axis=1, keepdims=True) / count_B1
    off_BI = value_BI - mean_B1
    deviation_B1 = np.sqrt((off_BI**2 * shaping_BI).sum(axis=1, keepdims=True) / count_B1)
    largest_B1 = np.abs(value_BI).max(axis=1, keepdims=True, initial=0)
    flat_B1 = deviation_B1 <= FLAT * largest_B1
    scaled_BI = np.where(flat_B1, 0, off_BI / np.where(flat_B1, 1, deviation_B1))
    lowest_B1 = np.where(shaping_BI, scaled_BI, np.inf).min(axis=1, keepdims=True)
    lowest_B1 = np.where(np.isfinite(lowest_B1), lowest_B1, 0)
    scaled_BI = np.where(known_BI, scaled_BI, lowest_B1).astype(np.float32)
    return Comparable(scaled_BI, known_BI, np.where(flat_B1, 0, deviation_B1)[:, 0])


def _ranks(score_BI: FloatArray, known_BI: np.ndarray, shaping_BI: np.ndarray) -> FloatArray:
    ranked_BI = np.zeros(score_BI.shape, np.float32)
    for row, scores in enumerate(score_BI):
        ladder = np.sort(scores[shaping_BI[row]])
        known = scores[known_BI[row]]
        both = np.searchsorted(ladder, known, "left") + np.searchsorted(ladder, known, "right")
        ranked_BI[row, known_BI[row]] = both / max(2 * len(ladder), 1)
    return ranked_BI
