"""How a factorization machine is learnt: Gibbs sampling, alternating least squares, gradient descent.

Rendle, Factorization machines with libFM, TIST 2012: priors are Gaussian, one for each group of columns and
each factor, under hyperpriors that Gibbs samples too. Freudenthaler, Schmidt-Thieme, Rendle, Bayesian
factorization machines, 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import Field, model_validator
from scipy import sparse

from recsmith.config import Config
from recsmith.errors import Diverged
from recsmith.kernels import probit
from recsmith.kernels.fm_descent import descend
from recsmith.kernels.fm_rows import EXACT, LEVELS, LOGISTIC
from recsmith.kernels.fm_sweep import sweep
from recsmith.models.factorization.fm_design import Group
from recsmith.models.factorization.fm_task import Target, Task, TaskName

_CUT_PRECISION = 0.01  # of the prior N(0, 10²) of a cut point
_LARGEST = 1e3  # ŷ, in deviations of the target or in logits: beyond it steps no longer converge
_NO_CHANCES = np.zeros(0)


class LearningConfig(Config):
    """Says what is fitted, and how it is learnt."""

    task: TaskName = "rating"
    """The weight as a number; whether it is a like; or which of its levels it is (ordered probit)."""
    method: Literal["gibbs", "als", "sgd"] = "gibbs"
    """Bayesian by Gibbs sampling, which tunes its own regularization; alternating least squares; or descent.
    Likes are fitted by probit, under sgd by the logistic function."""
    embedding_dim: int = Field(16, ge=1)
    """Length of the vectors, D."""
    n_epochs: int = Field(256, ge=1)
    """Sweeps over the columns, or passes over the events; als and sgd are there within 100."""
    n_burn_in: int = Field(32, ge=0)
    """Gibbs: sweeps before the first sample is kept."""
    n_samples: int = Field(64, ge=1)
    """Gibbs: samples kept, evenly from the sweeps behind the burn-in. A prediction is their mean; the model's
    file takes 2 (D + 1) bytes for each of them and column, its memory twice that."""
    regularization: float | None = Field(None, ge=0)
    """λ of als, for each parameter (default 40), and of sgd, for each step (default 0.1)."""
    learning_rate: float = Field(0.005, gt=0)
    """sgd: size of a step."""
    init_scale: float = Field(0.1, gt=0)
    """Vectors start from N(0, init_scale²)."""
    like_from: float = 4.0
    """binary: weights from here on are likes."""
    dislike_to: float | None = None
    """binary: weights up to here are not, those between are left out; by default all that are no likes."""

    @property
    def penalty(self) -> float:
        """λ."""
        if self.regularization is not None:
            return self.regularization
        return 0.1 if self.method == "sgd" else 40.0

    @model_validator(mode="after")
    def _fits_together(self) -> LearningConfig:
        if self.task == "ordinal" and self.method == "sgd":
            raise ValueError('method must be "gibbs" or "als" for the task "ordinal"')
        if self.dislike_to is not None and self.dislike_to >= self.like_from:
            raise ValueError("dislike_to must be below like_from")
        return self

    @property
    def kept_sweeps(self) -> np.ndarray:
        """The sweeps whose parameters are kept, in order; the last alone where nothing is drawn."""
        last = self.n_epochs - 1
        if self.method != "gibbs":
            return np.array([last])
        first = min(self.n_burn_in, last)
        n = min(self.n_samples, self.n_epochs - first)
        return last - np.unique(np.linspace(0, last - first, n).round().astype(np.int64))[::-1]

    def learn_task(self, weight_N: np.ndarray) -> Task:
        """Returns the task for the weights of a training set."""
        return Task.learn(
            self.task,
            weight_N,
            logistic=self.method == "sgd",
            like_from=self.like_from,
            dislike_to=self.dislike_to,
        )


@dataclass(frozen=True, eq=False)
class Problem:
    """Holds a training set as the kernels read it: blocks of rows, the rows of each event, and its target."""

    target: Target
    index_BN: np.ndarray
    rows: sparse.csr_matrix
    columns: sparse.csc_matrix
    block_column: np.ndarray
    groups: tuple[Group, ...]

    @classmethod
    def of(
        cls,
        blocks: list[sparse.csr_matrix],
        index: list[np.ndarray],
        target: Target,
        groups: tuple[Group, ...],
    ) -> Problem:
        """Returns the problem of blocks and of each event's row in them."""
        first = np.cumsum([0, *(block.shape[0] for block in blocks)])
        rows = sparse.csr_matrix(sparse.vstack(blocks, format="csr", dtype=np.float32))
        rows.sort_indices()
        ends = {group.block: group.stop for group in groups}
        return cls(
            target,
            np.stack([i + start for i, start in zip(index, first, strict=False)]).astype(np.int32),
            rows,
            sparse.csc_matrix(rows),
            np.array([0, *ends.values()], np.int64),
            groups,
        )

    @property
    def count_R(self) -> np.ndarray:
        """float64[R]: the events of each block row."""
        return np.bincount(self.index_BN.ravel(), minlength=self.rows.shape[0]).astype(np.float64)

    @property
    def active_P(self) -> np.ndarray:
        """bool[P]: whether any event has the column."""
        return (abs(self.rows).T @ self.count_R) > 0

    @property
    def group_P(self) -> np.ndarray:
        """int32[P]: the group of each column."""
        widths = [group.stop - group.start for group in self.groups]
        return np.repeat(np.arange(len(widths), dtype=np.int32), widths)

    def fitted(self, constant: float, parameter_KP: np.ndarray) -> np.ndarray:
        """Returns ŷ of all events, float64[N]."""
        flat = np.asarray(self.rows @ parameter_KP[0].astype(np.float64))
        found = constant + flat[self.index_BN].sum(axis=0)
        squared = self.rows.multiply(self.rows).tocsr()
        for v_P in parameter_KP[1:].astype(np.float64):
            q_R = np.asarray(self.rows @ v_P)
            found += 0.5 * (q_R[self.index_BN].sum(axis=0) ** 2)
            found -= 0.5 * np.asarray(squared @ v_P**2)[self.index_BN].sum(axis=0)
        return found


@dataclass(eq=False)
class Chain:
    """Holds the parameters now: `parameter_KP` is w and then the factors, float32; they change in place."""

    parameter_KP: np.ndarray
    constant: float
    noise_precision: float
    cut_C: np.ndarray
    """Cut points between levels, float64; [0] for two levels."""
    mode_C: np.ndarray
    """Where their likelihood was largest."""
    mean_KG: np.ndarray
    precision_KG: np.ndarray
    error_N: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """e = z − ŷ of each event; empty while it is yet to be computed."""
    latent_N: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """z of each event, where that is not the target itself."""

    def copy(self) -> Chain:
        """Returns the parameters alone, apart from what goes on changing."""
        fixed = (self.parameter_KP.copy(), self.constant, self.noise_precision)
        return Chain(*fixed, self.cut_C.copy(), self.mode_C.copy(), self.mean_KG, self.precision_KG)


def first_chain(problem: Problem, settings: LearningConfig, draws: np.random.Generator) -> Chain:
    """Returns where learning starts: no weights, small vectors, and the cut points of the levels' shares."""
    shape = (1 + settings.embedding_dim, problem.rows.shape[1])
    by_group = (shape[0], len(problem.groups))
    parameter_KP = draws.standard_normal(shape, np.float32) * np.float32(settings.init_scale)
    parameter_KP[0] = 0
    parameter_KP[:, ~problem.active_P] = 0
    cut_C = first_cuts(problem.target)
    precision_KG = np.full(by_group, 1.0 if settings.method == "gibbs" else settings.penalty)
    return Chain(parameter_KP, 0.0, 1.0, cut_C, cut_C.copy(), np.zeros(by_group), precision_KG)


class Coordinates:
    """Learns by sweeps over the columns: draws (Gibbs) with a generator, else closed forms (ALS)."""

    def __init__(self, problem: Problem, chain: Chain) -> None:
        self._problem, self._chain = problem, chain
        self._count_R, self._group_P = problem.count_R, problem.group_P
        active_P = problem.active_P
        self._active = [
            group.start + np.flatnonzero(active_P[group.start : group.stop]) for group in problem.groups
        ]
        self._level_N = problem.target.value_n.astype(np.int64)
        if not len(chain.error_N):
            fitted_N = problem.fitted(chain.constant, chain.parameter_KP)
            exact = problem.target.kind == EXACT
            latent_N = problem.target.value_n if exact else fitted_N
            chain.latent_N = np.zeros(0) if exact else latent_N
            chain.error_N = (latent_N - fitted_N).astype(np.float32)

    def step(self, draws: np.random.Generator | None) -> float:
        """Makes one sweep; returns the mean squared error, or the mean log loss of levels, before it."""
        chain, problem = self._chain, self._problem
        loss = self._renew_noise(draws) if problem.target.kind == EXACT else self._renew_latent(draws)
        if draws is not None:
            self._renew_priors(draws)
        if problem.target.kind == EXACT or len(chain.cut_C) == 1:
            self._renew_constant(draws)
        shape = chain.parameter_KP.shape
        columns = problem.columns
        sweep(
            problem.index_BN,
            problem.block_column,
            columns.indptr.astype(np.int64),
            columns.indices,
            columns.data,
            self._count_R,
            self._group_P,
            chain.mean_KG,
            chain.precision_KG,
            chain.noise_precision,
            np.zeros(shape, np.float32) if draws is None else draws.standard_normal(shape, np.float32),
            chain.error_N,
            chain.parameter_KP,
        )
        return loss

    def _renew_noise(self, draws: np.random.Generator | None) -> float:
        chain = self._chain
        squared = float(np.sum(chain.error_N.astype(np.float64) ** 2))
        n = len(chain.error_N)
        if draws is not None:
            chain.noise_precision = draws.gamma((1 + n) / 2) * 2 / (1 + squared)
        return squared / n

    def _renew_latent(self, draws: np.random.Generator | None) -> float:
        """Renews cut points given ŷ alone, then each event's z."""
        chain = self._chain
        fitted_N = chain.latent_N - chain.error_N
        if len(chain.cut_C) > 1:
            chain.cut_C = self._renewed_cuts(fitted_N, draws)
        chances_N = _NO_CHANCES if draws is None else draws.random(len(fitted_N))
        cut_C = with_ends(chain.cut_C)
        probit.latent(self._level_N, cut_C, fitted_N, chances_N, chain.latent_N)
        chain.error_N = (chain.latent_N - fitted_N).astype(np.float32)
        return -probit.likelihood(self._level_N, cut_C, fitted_N) / len(fitted_N)

    def _renewed_cuts(self, fitted_N: np.ndarray, draws: np.random.Generator | None) -> np.ndarray:
        """Returns the cuts' mode, or a draw: Metropolis–Hastings that proposes from the normal law there."""
        chain, curve_CC = self._chain, self._climb(fitted_N)
        if draws is None:
            return chain.mode_C.copy()
        now_C = chain.cut_C
        upper_CC = np.linalg.cholesky(curve_CC).T
        next_C = chain.mode_C + np.linalg.solve(upper_CC, draws.standard_normal(len(now_C)))
        chance = draws.random()
        if (np.diff(next_C) <= 0).any():
            return now_C
        ratio = self._log_density(next_C, fitted_N) - self._log_density(now_C, fitted_N)
        for cut_C, sign in ((next_C, 1), (now_C, -1)):
            ratio += sign * 0.5 * float(np.sum((upper_CC @ (cut_C - chain.mode_C)) ** 2))
        return next_C if math.log(max(chance, 1e-300)) < ratio else now_C

    def _climb(self, fitted_N: np.ndarray) -> np.ndarray:
        """Moves the mode to where the log-likelihood (concave) is largest; returns its curvature there."""
        chain, n_cuts = self._chain, len(self._chain.mode_C)
        for _ in range(50):
            slope_C, curve_CC = np.zeros(n_cuts + 2), np.zeros((n_cuts + 2, n_cuts + 2))
            probit.curvature(self._level_N, with_ends(chain.mode_C), fitted_N, slope_C, curve_CC)
            bent_CC = curve_CC[1:-1, 1:-1] + _CUT_PRECISION * np.eye(n_cuts)
            step_C = np.linalg.solve(bent_CC, slope_C[1:-1] - _CUT_PRECISION * chain.mode_C)
            shrink = 1.0
            while (np.diff(chain.mode_C + shrink * step_C) <= 0).any():
                shrink /= 2
            chain.mode_C = chain.mode_C + shrink * step_C
            if np.abs(step_C).max() < 1e-3:
                break
        return bent_CC

    def _log_density(self, cut_C: np.ndarray, fitted_N: np.ndarray) -> float:
        told = probit.likelihood(self._level_N, with_ends(cut_C), fitted_N)
        return float(told - 0.5 * _CUT_PRECISION * np.sum(cut_C**2))

    def _renew_priors(self, draws: np.random.Generator) -> None:
        """Draws each group's precision and mean, for w and each factor: λ ~ Γ(½, ½), μ ~ N(0, 1/λ)."""
        chain = self._chain
        for g, active in enumerate(self._active):
            own_KP = chain.parameter_KP[:, active].astype(np.float64)
            n = len(active)
            apart_K = np.sum((own_KP - chain.mean_KG[:, g : g + 1]) ** 2, axis=1) + chain.mean_KG[:, g] ** 2
            chain.precision_KG[:, g] = draws.gamma((n + 2) / 2, size=len(own_KP)) * 2 / (1 + apart_K)
            deviation_K = 1 / np.sqrt((n + 1) * chain.precision_KG[:, g])
            chain.mean_KG[:, g] = own_KP.sum(axis=1) / (n + 1)
            chain.mean_KG[:, g] += deviation_K * draws.standard_normal(len(own_KP))

    def _renew_constant(self, draws: np.random.Generator | None) -> None:
        chain, n = self._chain, len(self._chain.error_N)
        change = float(np.mean(chain.error_N, dtype=np.float64))
        if draws is not None:
            change += draws.standard_normal() / math.sqrt(chain.noise_precision * n)
        chain.constant += change
        chain.error_N -= np.float32(change)


class Descent:
    """Learns by steps on single events."""

    def __init__(self, problem: Problem, chain: Chain) -> None:
        self._problem, self._chain = problem, chain
        self._parameter_PK = np.ascontiguousarray(chain.parameter_KP.T)

    def epoch(self, draws: np.random.Generator, epoch: int, settings: LearningConfig) -> float:
        """Makes one pass in a new order; returns the mean loss before each step.

        Raises `Diverged`, with the step, when a prediction is beyond all bounds; the chain stays as it was.
        """
        chain, problem = self._chain, self._problem
        n = len(problem.target.value_n)
        constant_1 = np.array([chain.constant])
        loss, done = descend(
            draws.permutation(n),
            problem.index_BN,
            problem.rows.indptr.astype(np.int64),
            problem.rows.indices,
            problem.rows.data,
            problem.target.value_n,
            problem.target.kind == LOGISTIC,
            settings.learning_rate,
            settings.penalty,
            _LARGEST,
            constant_1,
            self._parameter_PK,
        )
        if done < n or not np.isfinite(self._parameter_PK).all():
            step = min(done + 1, n)
            kept = f"The model is as it was after epoch {epoch}." if epoch else "Nothing was learnt before."
            raise Diverged(
                f"Predictions must stay within bounds. Got one that is lost at step {epoch * n + step:,} "
                f"(epoch {epoch + 1}, step {step:,} of {n:,}). Lower learning_rate "
                f"(now {settings.learning_rate:g}). {kept}"
            )
        chain.constant = float(constant_1[0])
        chain.parameter_KP[:] = self._parameter_PK.T
        return float(loss) / n


def with_ends(cut_C: np.ndarray) -> np.ndarray:
    """Returns cut points between −∞ and ∞."""
    return np.concatenate([[-np.inf], cut_C, [np.inf]])


def first_cuts(target: Target) -> np.ndarray:
    """Returns the cut points that give each level its share where ŷ = 0; [0] where ŷ has a constant."""
    if target.kind != LEVELS:
        return np.zeros(1)
    shares = np.bincount(target.value_n.astype(np.int64)) / len(target.value_n)
    if len(shares) == 2:
        return np.zeros(1)
    below = np.cumsum(shares)[:-1]
    return np.array(
        [probit.normal_quantile(p) if p <= 0.5 else -probit.normal_quantile(1 - p) for p in below]
    )
