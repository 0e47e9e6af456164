"""Area under the ROC curve (Mann & Whitney 1947) for many weightings of the same events."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def weighted_auc(label_N, score_N, user_N, weight_SU):
    """Gives the AUC under each row of user weights, float64 [S].

    Equal scores count half; NaN without both labels. Events come in rising order of score; event n weighs
    `weight_SU[s, user_N[n]]`. O(S·N), one pass a row.
    """
    n_rows, n = len(weight_SU), len(score_N)
    auc_S = np.full(n_rows, np.nan)
    for s in range(n_rows):
        below, area, likes = 0.0, 0.0, 0.0
        start = 0
        while start < n:
            end, liked, not_liked = start, 0.0, 0.0
            while end < n and score_N[end] == score_N[start]:
                weight = weight_SU[s, user_N[end]]
                if label_N[end]:
                    liked += weight
                else:
                    not_liked += weight
                end += 1
            area += liked * (below + 0.5 * not_liked)
            below += not_liked
            likes += liked
            start = end
        if likes > 0 and below > 0:
            auc_S[s] = area / (likes * below)
    return auc_S
