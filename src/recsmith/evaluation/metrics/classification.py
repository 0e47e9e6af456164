"""Telling liked from not liked: area under the ROC curve and log loss over labelled test events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import LabelMetric, RatingMetric, Ratings
from recsmith.kernels.auc import weighted_auc


class AUC(LabelMetric):
    """AUC = share of (liked, not liked) pairs of test events whose liked one scores higher.

    Over the events of all users together; equal scores count one half. A test event is liked when its weight
    is at least `relevant_from`. NaN without both kinds. The interval resamples users with all their events.
    Source: Mann & Whitney, Annals of Mathematical Statistics 1947.
    """

    def values(
        self,
        label_N: NDArray[np.bool_],
        score_N: NDArray[np.float64],
        user_N: NDArray[np.int64],
        weight_SU: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Gives the AUC for each row of weights, [S]; O(N·log N + S·N)."""
        order_N = np.argsort(score_N, kind="stable")
        return weighted_auc(label_N[order_N], score_N[order_N], user_N[order_N], weight_SU)


class LogLoss(RatingMetric):
    """LogLoss = −Σ [y·ln p + (1 − y)·ln(1 − p)] / n over all test events; y = liked, p predicted.

    Predictions must be probabilities; they are kept 1e-15 away from 0 and 1, so one sure error costs 34.5
    and not infinity. Users without test events are left out.
    """

    higher_is_better = False
    by_rating = True

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives each user's mean log loss, [B]; `actual` is 0 or 1, `predicted` a probability."""
        p = np.clip(ratings.predicted, 1e-15, 1 - 1e-15)
        loss = -(ratings.actual * np.log(p) + (1 - ratings.actual) * np.log1p(-p))
        n_B = np.diff(ratings.indptr)
        return np.divide(ratings.sums(loss), n_B, out=np.full(len(n_B), np.nan), where=n_B > 0)
