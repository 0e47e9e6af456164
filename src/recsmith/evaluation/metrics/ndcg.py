"""Normalised discounted cumulative gain (Järvelin & Kekäläinen, TOIS 2002) with binary gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class NDCG(RankingMetric):
    """NDCG@k = Σ_{hits at rank r ≤ k} 1/log2(r + 1) / Σ_{r=1}^{min(k, |relevant|)} 1/log2(r + 1).

    Gain is 0 or 1, and the ideal list is cut at k too, so 1 is always reachable. Users with nothing
    relevant are left out; ties are broken where the list is made (by item code).
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives NDCG a user, [B]."""
        hit_BK = lists.hit_BK[:, : self.k]
        # DCG = Σ_r rel_r / log2(r + 1), r from 1
        dcg_B = hit_BK @ (1.0 / np.log2(np.arange(2, hit_BK.shape[1] + 2)))
        n_ideal_B = np.minimum(lists.n_relevant_B, self.k)
        ranks = np.arange(1, int(n_ideal_B.max(initial=0)) + 1)
        ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(ranks + 1))])
        idcg_B = ideal[n_ideal_B]
        return np.divide(dcg_B, idcg_B, out=np.full(len(lists), np.nan), where=n_ideal_B > 0)
