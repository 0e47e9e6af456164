"""What a factorization machine fits of a weight, and what its ŷ means: a number, a like, one of some
levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, ndtr

from recsmith.errors import InvalidValue, Shown
from recsmith.kernels.fm_rows import EXACT, LEVELS, LOGISTIC

TaskName = Literal["rating", "binary", "ordinal"]
_MOST_LEVELS = 32


@dataclass(frozen=True, eq=False)
class Target:
    """Says what is fitted: numbers (`EXACT`), 0 and 1 (`LOGISTIC`), or levels (`LEVELS`)."""

    kind: int
    value_n: np.ndarray
    """float32[n]: standardised weights; 0 and 1; or numbers of levels."""
    event_n: np.ndarray
    """The events that tell something."""


@dataclass(frozen=True, eq=False)
class Task:
    """Turns weights into targets, and ŷ into weights."""

    name: TaskName
    kind: int
    level_L: np.ndarray
    """The weights that levels stand for; 0 and 1 for likes; mean and deviation of numbers."""
    like_from: float
    dislike_to: float | None

    @classmethod
    def learn(
        cls,
        name: TaskName,
        weight_N: np.ndarray,
        *,
        logistic: bool,
        like_from: float,
        dislike_to: float | None,
    ) -> Task:
        """Returns the task for the weights of a training set; refuses weights that it cannot be learnt of."""
        kind = EXACT if name == "rating" else LOGISTIC if logistic else LEVELS
        if name == "rating":
            deviation = float(weight_N.std(dtype=np.float64))
            level_L = np.array([float(weight_N.mean(dtype=np.float64)), deviation or 1.0])
            return cls(name, kind, level_L, like_from, dislike_to)
        if name == "ordinal":
            levels = np.unique(weight_N).astype(np.float64)
            if not 2 <= len(levels) <= _MOST_LEVELS:
                got = Shown(f"{len(levels):,} of them")
                cure = 'Take task = "rating".'
                raise InvalidValue("data", f"of 2 to {_MOST_LEVELS} distinct weights, for ordinal", got, cure)
            return cls(name, kind, levels, like_from, dislike_to)
        task = cls(name, kind, np.array([0.0, 1.0]), like_from, dislike_to)
        liked_n = task.target(weight_N).value_n
        if not len(liked_n) or not 0 < liked_n.mean() < 1:
            got = Shown(f"weights from {weight_N.min():g} to {weight_N.max():g}")
            raise InvalidValue("data", "of likes and dislikes, by like_from and dislike_to", got)
        return task

    def target(self, weight_n: np.ndarray) -> Target:
        """Returns what is fitted of some events; a weight between two levels is the nearer one."""
        everything = np.arange(len(weight_n))
        if self.name == "rating":
            mean, deviation = self.level_L
            return Target(self.kind, ((weight_n - mean) / deviation).astype(np.float32), everything)
        if self.name == "ordinal":
            between = (self.level_L[1:] + self.level_L[:-1]) / 2
            level_n = np.searchsorted(between, weight_n, side="right")
            return Target(self.kind, level_n.astype(np.float32), everything)
        liked_n = weight_n >= self.like_from
        told = (
            everything if self.dislike_to is None else np.flatnonzero(liked_n | (weight_n <= self.dislike_to))
        )
        return Target(self.kind, liked_n[told].astype(np.float32), told)

    def meaning(
        self, fitted_nS: np.ndarray, cut_SC: np.ndarray, noise: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean and mean square, over samples and noise, of the weight that ŷ stands for.

        `noise` is the variance of a number around ŷ, in units of the weight; levels bring their own.
        """
        if self.kind == EXACT:
            mean, deviation = self.level_L
            weight_nS = mean + deviation * fitted_nS
            return weight_nS.mean(axis=1), np.square(weight_nS).mean(axis=1) + noise
        if self.kind == LOGISTIC:
            liked_n = expit(fitted_nS).mean(axis=1)
            return liked_n, liked_n
        # E f(level) = f(lowest) + Σ over cuts (f above − f below) · P(above the cut)
        mean_n = np.full(len(fitted_nS), self.level_L[0])
        square_n = np.full(len(fitted_nS), self.level_L[0] ** 2)
        for cut in range(1, len(self.level_L)):
            above_n = ndtr(fitted_nS - cut_SC[:, cut]).mean(axis=1)
            mean_n += (self.level_L[cut] - self.level_L[cut - 1]) * above_n
            square_n += (self.level_L[cut] ** 2 - self.level_L[cut - 1] ** 2) * above_n
        return mean_n, square_n
