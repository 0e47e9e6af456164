"""How much of the catalogue all lists together use, and how evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import CatalogueMetric


class Coverage(CatalogueMetric):
    """Coverage@k = items in at least one user's first k / items in the catalogue (rated by anybody or not).

    All test users count, also those with nothing relevant left. No interval (see CatalogueMetric). 0 for
    an empty catalogue.
    """

    def value(self, count_I: NDArray[np.int64]) -> float:
        """Gives the share of items that were listed."""
        return float((count_I > 0).mean()) if len(count_I) else 0.0


class Gini(CatalogueMetric):
    """Gini@k = Σ_i (2i − n − 1)·c_(i) / (n·Σ c), c rising.

    0: every item is listed as often; towards 1: only one is.

    Over the whole catalogue of n items. No interval (see CatalogueMetric). NaN when nothing was listed.
    """

    higher_is_better = False

    def value(self, count_I: NDArray[np.int64]) -> float:
        """Gives the Gini coefficient of the counts."""
        n, total = len(count_I), int(count_I.sum())
        if total == 0:
            return float("nan")
        # G = Σ_i (2i − n − 1) c_(i) / (n Σ c), i from 1
        return float((2 * np.arange(1, n + 1) - n - 1) @ np.sort(count_I) / (n * total))
