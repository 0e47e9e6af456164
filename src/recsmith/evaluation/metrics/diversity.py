"""How unlike each other the items of one list are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsmith.evaluation.metrics.base import RankedLists, RankingMetric


class Diversity(RankingMetric):
    """Diversity@k = 1 − mean cosine similarity over all pairs of different items among the first k.

    The vectors come with the evaluation, never from the model that is judged, so that models compare: item
    features where the data has some, else who had the item in train (the evaluation's notes say which). An
    item with no features is similar to nothing. Lists of fewer than two items are left out.
    Source: Ziegler et al., Improving recommendation lists through topic diversification, WWW 2005.
    """

    def per_user(self, lists: RankedLists) -> NDArray[np.float64]:
        """Gives intra-list diversity a user, [B]; O(B·k·F) through |Σ v|² = Σ |v|² + Σ_{i≠j} v_i·v_j."""
        item_BK = lists.item_BK[:, : self.k]
        row, column = np.nonzero(item_BK >= 0)
        unit_IF = lists.catalogue.unit_vectors_IF
        listed_BI = sparse.csr_matrix(
            (np.ones(len(row)), (row, item_BK[row, column])), shape=(len(lists), unit_IF.shape[0])
        )
        sum_BF = listed_BI @ unit_IF
        own_I = np.diff(unit_IF.indptr) > 0  # |v|² is 1, or 0 for an item without features
        pairs_B = np.asarray(sum_BF.multiply(sum_BF).sum(axis=1)).ravel() - listed_BI @ own_I
        n_B = (item_BK >= 0).sum(axis=1).astype(np.float64)
        count_B = n_B * (n_B - 1)
        similarity_B = np.divide(pairs_B, count_B, out=np.full(len(lists), np.nan), where=count_B > 0)
        # Rounding alone can carry the mean of like vectors past 1.
        return 1.0 - np.clip(similarity_B, -1.0, 1.0)
