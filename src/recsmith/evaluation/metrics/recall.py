"""Recall of the first k: the part of what is relevant that the list found, plain and capped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class Recall(RankingMetric):
    """Recall@k = hits among the first k / |relevant|; users with nothing relevant are left out.

    With more than k relevant items it cannot reach 1. Ties are broken before, where the list is made (by item
    code); a list shorter than k has no hits after its end.
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives hits / |relevant| a user, [B]."""
        return _ratio(lists.hit_BK[:, : self.k].sum(axis=1), lists.n_relevant_B)


class RecallCapped(RankingMetric):
    """RecallCapped@k = hits among the first k / min(k, |relevant|), the recall of the Mult-VAE papers.

    Users with nothing relevant are left out; ties are broken where the list is made (by item code).
    Source: Liang et al., Variational Autoencoders for Collaborative Filtering, WWW 2018.
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives hits / min(k, |relevant|) a user, [B]."""
        return _ratio(lists.hit_BK[:, : self.k].sum(axis=1), np.minimum(lists.n_relevant_B, self.k))


def _ratio(part_B: NDArray[np.int64], whole_B: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divides, with NaN where there is nothing to divide by."""
    return np.divide(part_B, whole_B, out=np.full(len(whole_B), np.nan), where=whole_B > 0)
