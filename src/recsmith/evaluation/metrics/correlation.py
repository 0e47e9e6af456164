"""Whether predicted ratings rise with the true ones, user by user: Pearson, Spearman, Kendall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics.base import RatingMetric, Ratings
from recsmith.kernels.correlation import average_ranks, tau_b


class Pearson(RatingMetric):
    """Pearson = mean over users of r = cov(r, r̂) / (σ_r·σ_r̂) over the user's test ratings.

    Not defined for a user with fewer than two ratings, or with all true or all predicted values equal:
    left out.
    """

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives Pearson's r a user, [B]."""
        return _pearson(ratings)


class Spearman(RatingMetric):
    """Spearman = mean over users of ρ, Pearson's r of the ranks; equal values share the mean of their ranks.

    Not defined for a user with fewer than two ratings, or with all true or all predicted values equal:
    left out.
    """

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives Spearman's ρ a user, [B]."""
        ranks = Ratings(
            ratings.indptr,
            average_ranks(ratings.indptr, ratings.actual),
            average_ranks(ratings.indptr, ratings.predicted),
        )
        return _pearson(ranks)


class Kendall(RatingMetric):
    """Kendall = mean over users of τ_b = (C − D) / sqrt((n₀ − ties in r)(n₀ − ties in r̂)).

    C concordant and D discordant of the n₀ = n(n − 1)/2 pairs of the user's test ratings. Not defined for a
    user with fewer than two ratings or with all true or all predicted values equal: left out.
    """

    def per_user(self, ratings: Ratings) -> NDArray[np.float64]:
        """Gives Kendall's τ_b a user, [B]; O(n²) a user."""
        return tau_b(ratings.indptr, ratings.actual, ratings.predicted)


def _pearson(ratings: Ratings) -> NDArray[np.float64]:
    """Correlates each user's rows; NaN where either side does not vary."""
    n_B = np.maximum(np.diff(ratings.indptr), 1)
    x = ratings.actual - (ratings.sums(ratings.actual) / n_B)[ratings.user_of_row]
    y = ratings.predicted - (ratings.sums(ratings.predicted) / n_B)[ratings.user_of_row]
    xx_B, yy_B = ratings.sums(x * x), ratings.sums(y * y)
    # Subtracting a mean leaves rounding behind; below this a spread is none.
    floor_B = 1e-20 * n_B * np.maximum(1.0, ratings.sums(ratings.predicted**2) / n_B)
    varies_B = (xx_B > floor_B) & (yy_B > floor_B)
    r_B = np.divide(ratings.sums(x * y), np.sqrt(xx_B * yy_B), out=np.full(len(n_B), np.nan), where=varies_B)
    return np.clip(r_B, -1.0, 1.0)
