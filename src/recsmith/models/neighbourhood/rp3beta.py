"""RP3beta: random walks of three steps, with a penalty on popularity. Christoffel, Paudel, Newell, Bernstein,
Blockbusters and wallflowers, RecSys 2015; Paudel et al., Updatable, accurate, diverse, and scalable
recommendations for interactive applications, ACM TiiS 2017."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Choices, Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.neighbours import nearest_rows
from recsmith.kernels.similarity import Reference
from recsmith.kernels.weighting import inverse_power
from recsmith.models.gigabytes import ask_for
from recsmith.models.item_weights import ItemWeights
from recsmith.models.neighbourhood.space import neighbour_matrix
from recsmith.models.recency import FadingConfig


class RP3betaConfig(FadingConfig):
    """Settings of `RP3beta`."""

    search_space: ClassVar[SearchSpace] = {
        "alpha": Range(0.4, 1.2),
        "beta": Range(0.0, 0.8),
        "n_neighbours": Range(20, 1000, log=True),
        "weighting": Choices(("binary", "weight")),
    }

    alpha: float = Field(0.7, ge=0, le=2)
    """α: each step's probability is raised to this power; 1 is the plain walk."""
    beta: float = Field(0.4, ge=0, le=1)
    """β: scores are divided by an item's number of events to this power; 0 favours hits, 1 rarities."""
    activity_exponent: float | None = Field(None, ge=0, le=2)
    """η: a step from a person is divided by their number of events to this power; α when not given. Above α,
    a very active person's many items do not drown the others'."""
    n_neighbours: int = Field(200, ge=1)
    """How many walks from item to item are kept for each, those of largest weight."""
    neighbours_of: Literal["candidate", "seen"] = "candidate"
    """Whose largest weights are kept: those that lead to a candidate, or those that leave an item taken."""
    equal_votes: bool = True
    """Weights that leave an item, once cut, are divided by their sum: what was taken counts alike, however
    popular it is (as in most implementations; the papers leave it out)."""
    weighting: Literal["binary", "weight"] = "binary"
    """All events of a person or an item are as likely a step, or as their weights."""


class RP3beta(ItemWeights):
    """Scores item j by the chance that a walk person → item → person → item ends there, over |j|^β.

    The weight from i to j is Σ_u (x_ui / |i|)^α x_uj^α / |u|^η / |j|^β with |·| the sum of a row or column.
    The first step's |u|^−α is the same for all items and is left out of scores. Fit costs O(Σ_u events of u²)
    and 32·I·N bytes for N neighbours, no matrix of items × items; a user O(events·neighbours + I).
    """

    Config = RP3betaConfig
    config: RP3betaConfig

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        n_kept = min(settings.n_neighbours, max(1, data.n_items - 1))
        ask_for(
            32 * data.n_items * n_kept / 1e9,  # codes and weights, and as a matrix both ways round
            name="RP3beta",
            shape=f"{n_kept:,} neighbours of {data.n_items:,} items",
            cure="Lower n_neighbours.",
        )
        matrix_IU = self._matrix(data.histories(), data.n_items).T.tocsr()
        total_I, total_U = (np.asarray(matrix_IU.sum(axis=axis)).ravel() for axis in (1, 0))
        step_IU = matrix_IU.copy()
        step_IU.data **= np.float32(settings.alpha)
        leave_I, reach_I = inverse_power(total_I, settings.alpha), inverse_power(total_I, settings.beta)
        activity = settings.alpha if settings.activity_exponent is None else settings.activity_exponent
        by_candidate = settings.neighbours_of == "candidate"
        code_IN, weight_IN = nearest_rows(
            step_IU,
            Reference.of(
                step_IU,
                kind="cosine",  # with these scales: scale_q · scale_r · Σ w x y is the walk's weight
                scale_R=leave_I if by_candidate else reach_I,
                weight_T=inverse_power(total_U, activity),
            ),
            scale_Q=reach_I if by_candidate else leave_I,
            n_neighbours=n_kept,
            own_Q=np.arange(data.n_items, dtype=np.int32),
            n_threads=run.threads,
        )
        nearest_II = neighbour_matrix(code_IN, weight_IN, data.n_items, amplification=1.0)
        self.weight_SI = nearest_II.T.tocsr() if by_candidate else nearest_II
        if settings.equal_votes:
            sum_S = np.asarray(self.weight_SI.sum(axis=1, dtype=np.float64)).ravel()
            self.weight_SI.data /= np.repeat(sum_S, np.diff(self.weight_SI.indptr)).astype(np.float32)

    def _interest(self, histories: Histories) -> sparse.csr_matrix:
        interest_BS = self._matrix(histories, self.weight_SI.shape[0])
        interest_BS.data **= np.float32(self.config.alpha)
        return interest_BS

    def _matrix(self, histories: Histories, n_items: int) -> sparse.csr_matrix:
        if self.config.weighting == "binary":
            return histories.binary(n_items)
        matrix = histories.matrix(n_items)
        if len(matrix.data) and matrix.data.min() < 0:
            raise InvalidValue(
                "weight",
                "0 or more for RP3beta",
                float(matrix.data.min()),
                "Use weighting='binary', or filter.",
            )
        return matrix
