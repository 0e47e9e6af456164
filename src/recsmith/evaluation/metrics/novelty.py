"""How far from the well known the lists go: self-information and the share of the long tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class Novelty(RankingMetric):
    """Novelty@k = mean over the first k of −log2(p_i), in bits; p_i = share of train users who have i.

    An item that nobody has counts as if one user had it. Depends on the list only; users with an empty
    list are left out. Source: Zhou et al., Solving the apparent diversity-accuracy dilemma, PNAS 2010
    (self-information).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives mean self-information a user, [B]."""
        return mean_over_list(lists.catalogue.information_I, lists.item_BK[:, : self.k])


class LongTail(RankingMetric):
    """LongTail@k = share of the first k outside the head.

    The head is the fewest items that hold 80 % of the train interactions. Depends on the list only; users
    with an empty list are left out.
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives the share of the tail a user, [B]."""
        return mean_over_list(lists.catalogue.in_tail_I.astype(np.float64), lists.item_BK[:, : self.k])


def mean_over_list(value_I: NDArray[np.float64], item_BK: NDArray[np.int32]) -> NDArray[np.float64]:
    """Averages a value an item over each list, [B]; NaN where the list is empty."""
    listed_BK = item_BK >= 0
    total_B = np.where(listed_BK, value_I[np.maximum(item_BK, 0)], 0.0).sum(axis=1)
    n_B = listed_BK.sum(axis=1)
    return np.divide(total_B, n_B, out=np.full(len(item_BK), np.nan), where=n_B > 0)
