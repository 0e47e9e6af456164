"""TableMachine: a factorization machine of a table of numbers, as libFM fits one; no users, no items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from recsmith.config import Run
from recsmith.data.sources.libfm import FeatureTable
from recsmith.errors import InvalidValue, NotFitted
from recsmith.models.factorization.fm_design import Group
from recsmith.models.factorization.fm_learn import (
    Chain,
    Coordinates,
    Descent,
    LearningConfig,
    Problem,
    first_chain,
    with_ends,
)
from recsmith.models.factorization.fm_task import Task
from recsmith.rng import generator
from recsmith.types import FloatArray


class TableMachine:
    """Learns the targets of rows of features (`read_libfm`), and predicts those of other rows.

    The settings are `FactorizationMachine`'s without its features. A sweep costs O(entries·D).
    """

    def __init__(self, **settings: Any) -> None:
        self.config = LearningConfig.of(settings, within=type(self).__name__)
        self._samples: list[Chain] = []
        self._task: Task | None = None

    def fit(
        self, table: FeatureTable, *, groups: Sequence[int] | None = None, run: Run | None = None
    ) -> Self:
        """Learns from a table and returns the machine.

        `groups` are the widths of groups of neighbouring columns, from the first on: each has a prior of its
        own under Gibbs sampling. By default all columns are one group.
        """
        this_run, settings = run or Run(), self.config
        n_rows, n_columns = table.features.shape
        widths = [n_columns] if groups is None else list(groups)
        if sum(widths) != n_columns or min(widths, default=0) < 1:
            raise InvalidValue("groups", f"widths of 1 or more that make {n_columns} columns", groups)
        ends = np.cumsum([0, *widths])
        named = tuple(Group(f"{g}", 0, *ends[g : g + 2].tolist()) for g in range(len(widths)))
        self._task = settings.learn_task(table.target_N)
        target = self._task.target(table.target_N)
        problem = Problem.of([table.features], [np.arange(n_rows)[target.event_n]], target, named)
        chain = first_chain(problem, settings, generator(this_run.seed, "table machine"))
        learner = Descent(problem, chain) if settings.method == "sgd" else Coordinates(problem, chain)
        self._samples = []
        for epoch in this_run.epochs(settings.n_epochs, "TableMachine"):
            draws = generator(this_run.seed, "table machine", epoch)
            loss = self._epoch(learner, draws, epoch)
            this_run.log(loss=loss)
            first = settings.kept_sweeps[0]
            if epoch <= first or epoch in settings.kept_sweeps:
                self._samples = [*(self._samples if epoch > first else ()), chain.copy()]
        return self

    def _epoch(self, learner: Coordinates | Descent, draws: np.random.Generator, epoch: int) -> float:
        settings = self.config
        if isinstance(learner, Coordinates):
            return learner.step(draws if settings.method == "gibbs" else None)
        return learner.epoch(draws, epoch, settings)

    def predict(self, features: sparse.csr_matrix) -> FloatArray:
        """Returns the expected target of each row; the chance of a like for the task "binary"."""
        if self._task is None or not self._samples:
            raise NotFitted(type(self).__name__)
        n_columns = self._samples[0].parameter_KP.shape[1]
        if features.shape[1] != n_columns:
            cure = "Give read_libfm the same n_features for both files."
            raise InvalidValue("features", f"of {n_columns} columns, as in training", features.shape[1], cure)
        rows = Problem.of([features], [np.arange(features.shape[0])], self._task.target(np.zeros(0)), ())
        fitted_nS = np.stack([rows.fitted(one.constant, one.parameter_KP) for one in self._samples], axis=1)
        cut_SC = np.stack([with_ends(one.cut_C) for one in self._samples])
        return self._task.meaning(fitted_nS, cut_SC, 0.0)[0].astype(np.float32)
