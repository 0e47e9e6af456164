"""Reciprocal rank of the first hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class MRR(RankingMetric):
    """MRR@k = 1 / rank of the first relevant item among the first k, 0 if there is none.

    Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives the reciprocal rank a user, [B]."""
        hit_BK = lists.hit_BK[:, : self.k]
        first_B = (hit_BK / np.arange(1, hit_BK.shape[1] + 1)).max(axis=1, initial=0.0)
        return np.where(lists.n_relevant_B > 0, first_B, np.nan)
