"""Errors of predicted ratings, over all ratings together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RatingMetric, Ratings


class RMSE(RatingMetric):
    """RMSE = sqrt(Σ (r − r̂)² / n) over all test ratings together, not a mean of per-user values.

    The per-user value is that user's own RMSE; pooled by number of ratings the values give back the global
    figure, and the interval resamples users with all their ratings (a cluster bootstrap). Users without
    test ratings are left out.
    """

    higher_is_better = False
    by_rating = True

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives each user's own RMSE, [B]."""
        return np.sqrt(_mean(ratings, np.square(ratings.actual - ratings.predicted)))

    def addend(self, value_U: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squares: mean squared errors are what adds up."""
        return np.square(value_U)

    def figure(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Takes the root of the pooled mean squared error."""
        return np.sqrt(mean)


class MAE(RatingMetric):
    """MAE = Σ |r − r̂| / n over all test ratings together, not a mean of per-user values.

    Per-user values, pooling and interval as for RMSE. Users without test ratings are left out.
    """

    higher_is_better = False
    by_rating = True

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives each user's own MAE, [B]."""
        return _mean(ratings, np.abs(ratings.actual - ratings.predicted))


def _mean(ratings: Ratings, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Averages a value a row over each user's rows, [B]; NaN for a user with none."""
    n_B = np.diff(ratings.indptr)
    return np.divide(ratings.sums(value), n_B, out=np.full(len(n_B), np.nan), where=n_B > 0)
