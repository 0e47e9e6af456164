"""Average precision of a ranked list; its mean over users is MAP."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class MAP(RankingMetric):
    """MAP@k = Σ_{hits at rank r ≤ k} Precision@r / min(k, |relevant|).

    Libraries differ in the divisor: dividing by the hits found (python-recsys) rewards a list for missing
    the rest. Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives average precision a user, [B]."""
        hit_BK = lists.hit_BK[:, : self.k]
        precision_BK = np.cumsum(hit_BK, axis=1) / np.arange(1, hit_BK.shape[1] + 1)
        found_B = (precision_BK * hit_BK).sum(axis=1)
        most_B = np.minimum(lists.n_relevant_B, self.k)
        return np.divide(found_B, most_B, out=np.full(len(lists), np.nan), where=most_B > 0)
