"""Precision of the first k, and its harmonic mean with recall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class Precision(RankingMetric):
    """Precision@k = hits among the first k / k, also where the list is shorter than k.

    Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives hits / k a user, [B]."""
        precision_B = lists.hit_BK[:, : self.k].sum(axis=1) / self.k
        return np.where(lists.n_relevant_B > 0, precision_B, np.nan)


class F1(RankingMetric):
    """F1@k = 2·hits / (k + |relevant|), the harmonic mean of Precision@k and Recall@k; 0 without a hit.

    Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives F1 a user, [B]."""
        f1_B = 2 * lists.hit_BK[:, : self.k].sum(axis=1) / (self.k + lists.n_relevant_B)
        return np.where(lists.n_relevant_B > 0, f1_B, np.nan)
