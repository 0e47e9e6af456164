"""Hit rate: the share of users whose first k hold anything relevant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class HitRate(RankingMetric):
    """HitRate@k = 1 if any of the first k is relevant, else 0; others call it HR@k.

    Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives 0 or 1 a user, [B]."""
        hit_B = lists.hit_BK[:, : self.k].any(axis=1).astype(np.float64)
        return np.where(lists.n_relevant_B > 0, hit_B, np.nan)
