"""Off-policy estimates: what another policy would have earned, from a log with the chance each action had.

Inverse propensity scoring (Horvitz and Thompson 1952), self-normalised (Swaminathan and Joachims, NeurIPS
2015), doubly robust (Dudík, Langford and Li, ICML 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsmith.errors import InvalidValue

_Z = 1.959964  # of a normal variable's 95 %


@dataclass(frozen=True)
class Estimate:
    """Is an estimated mean reward with its 95 % interval; its weights are worth so many equal ones."""

    value: float
    low: float
    high: float
    effective_n: float


def ips(
    reward_n: np.ndarray, propensity_n: np.ndarray, target_n: np.ndarray, *, clip: float | None = None
) -> Estimate:
    """Returns mean(w r) with w = target / propensity, at most `clip`.

    `propensity_n` is the chance that the logging policy gave the action it took, `target_n` the chance the
    other policy gives it. Unbiased without `clip` where every action of the target could be logged.
    """
    weight_n = weights(reward_n, propensity_n, target_n, clip=clip)
    return _mean(weight_n * reward_n, weight_n)


def snips(
    reward_n: np.ndarray, propensity_n: np.ndarray, target_n: np.ndarray, *, clip: float | None = None
) -> Estimate:
    """Returns Σ w r / Σ w: a little biased, much steadier; the interval is by the delta method."""
    weight_n = weights(reward_n, propensity_n, target_n, clip=clip)
    total = weight_n.sum()
    if total == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0.0)
    value = float((weight_n * reward_n).sum() / total)
    spread = np.sqrt((weight_n**2 * (reward_n - value) ** 2).sum()) / total
    return Estimate(value, value - _Z * spread, value + _Z * spread, _effective(weight_n))


def doubly_robust(
    reward_n: np.ndarray,
    propensity_n: np.ndarray,
    target_n: np.ndarray,
    *,
    predicted_n: np.ndarray,
    expected_n: np.ndarray,
    clip: float | None = None,
) -> Estimate:
    """Returns mean(q̂(x, π) + w (r − q̂(x, a))): right when either the propensities or q̂ are.

    `predicted_n` is q̂ of the action taken, `expected_n` the mean of q̂ over the target's actions.
    """
    weight_n = weights(reward_n, propensity_n, target_n, clip=clip)
    for name, values in (("predicted_n", predicted_n), ("expected_n", expected_n)):
        if np.shape(values) != np.shape(reward_n) or not np.isfinite(values).all():
            raise InvalidValue(name, f"{len(reward_n)} finite numbers", np.shape(values))
    return _mean(expected_n + weight_n * (reward_n - predicted_n), weight_n)


def weights(
    reward_n: np.ndarray, propensity_n: np.ndarray, target_n: np.ndarray, *, clip: float | None
) -> np.ndarray:
    """Returns target / propensity, checked and clipped."""
    if not len(reward_n) or not (len(reward_n) == len(propensity_n) == len(target_n)):
        lengths = (len(reward_n), len(propensity_n), len(target_n))
        raise InvalidValue("reward, propensity and target", "of one length above 0", lengths)
    if not ((propensity_n > 0) & (propensity_n <= 1)).all():
        cure = "An action that could not be taken tells nothing of a policy that takes it."
        raise InvalidValue("propensity", "above 0 and at most 1", float(np.min(propensity_n)), cure)
    if not ((target_n >= 0) & (target_n <= 1)).all():
        raise InvalidValue("target", "between 0 and 1", float(np.max(np.abs(target_n))))
    if not np.isfinite(reward_n).all():
        raise InvalidValue("reward", "finite", float("nan"))
    if clip is not None and not clip > 0:
        raise InvalidValue("clip", "above 0", clip)
    weight_n = target_n / propensity_n
    return weight_n if clip is None else np.minimum(weight_n, clip)


def _mean(value_n: np.ndarray, weight_n: np.ndarray) -> Estimate:
    value = float(value_n.mean())
    spread = float(value_n.std(ddof=1) / np.sqrt(len(value_n))) if len(value_n) > 1 else float("inf")
    return Estimate(value, value - _Z * spread, value + _Z * spread, _effective(weight_n))


def _effective(weight_n: np.ndarray) -> float:
    """Returns (Σ w)² / Σ w² (Kish)."""
    squares = float((weight_n**2).sum())
    return float(weight_n.sum()) ** 2 / squares if squares else 0.0
