"""Bootstrap over users (Efron & Tibshirani 1993): intervals of figures made of weighted means.

One draw of users serves all metrics and all models, so the figures of two models on one draw are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsmith.evaluation.metrics import UserMetric
from recsmith.rng import generator

LOW, HIGH = 2.5, 97.5
_DRAWS_AT_ONCE: Final = 4_000_000
"""Numbers drawn at once: the draws of a chunk and their counts take 12 bytes each, so about 50 MB."""


def resamples(n_users: int, n_bootstrap: int, *, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yields how often each user is drawn, [S, U] in chunks of resamples that sum to `n_bootstrap`.

    Each chunk has its own random stream; the chunk size depends on `n_users` alone, so the same call gives
    the same draws whoever uses them. At most 50 MB at a time below four million users.
    """
    chunk = max(1, _DRAWS_AT_ONCE // max(n_users, 1))
    for number, start in enumerate(range(0, n_bootstrap if n_users else 0, chunk)):
        n_rows = min(chunk, n_bootstrap - start)
        stream = generator(seed, "bootstrap", number)
        drawn_SU = stream.integers(0, n_users, (n_rows, n_users), dtype=np.int32)
        weight_SU = np.empty((n_rows, n_users))
        for row, drawn_U in enumerate(drawn_SU):
            weight_SU[row] = np.bincount(drawn_U, minlength=n_users)
        yield weight_SU


def pooled(
    metric: UserMetric, value_U: NDArray[np.float64], n_ratings_U: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """Gives what adds up over users for a metric: [U, 2] of (w·addend, w), zeros for users left out."""
    there_U = np.isfinite(value_U)
    weight_U = there_U.astype(np.float64)
    if metric.by_rating and n_ratings_U is not None:
        weight_U = weight_U * n_ratings_U
    addend_U = np.where(there_U, metric.addend(np.where(there_U, value_U, 0.0)), 0.0)
    return np.stack([weight_U * addend_U, weight_U], axis=1)


def figure(metric: UserMetric, sums_S2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turns sums of `pooled` into the metric's figure, [S]; NaN where no user counted."""
    total_S, weight_S = sums_S2[..., 0], sums_S2[..., 1]
    mean_S = np.divide(total_S, weight_S, out=np.full(np.shape(total_S), np.nan), where=weight_S > 0)
    return metric.figure(mean_S)


def replicates(
    parts: Mapping[UserMetric, NDArray[np.float64]], n_bootstrap: int, *, seed: int
) -> dict[UserMetric, NDArray[np.float64]]:
    """Gives each metric's figure on every resample, [S], from its `pooled` parts; all on the same draws."""
    metrics = list(parts)
    if not metrics or n_bootstrap == 0:
        return {metric: np.empty(0) for metric in metrics}
    stacked_UC = np.concatenate([parts[metric] for metric in metrics], axis=1)
    sums_SC = np.concatenate(
        [weight_SU @ stacked_UC for weight_SU in resamples(len(stacked_UC), n_bootstrap, seed=seed)]
        or [np.zeros((n_bootstrap, stacked_UC.shape[1]))]
    )
    return {metric: figure(metric, sums_SC[:, 2 * at : 2 * at + 2]) for at, metric in enumerate(metrics)}


def interval(replicate_S: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Gives the 95 % percentile interval of the replicates, or (None, None) where there is none."""
    finite_S = replicate_S[np.isfinite(replicate_S)]
    if len(finite_S) == 0:
        return None, None
    low, high = np.percentile(finite_S, [LOW, HIGH])
    return float(low), float(high)
