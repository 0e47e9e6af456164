"""One trial: fit on validation's train, judge on its test, and stop early when that is asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from recsmith.config.recipe import Recipe
from recsmith.data import Split
from recsmith.errors import RecsmithError
from recsmith.models import Recommender
from recsmith.runs.build import judge, make_model, make_run
from recsmith.runs.tuning.space import with_values
from recsmith.runs.tuning.validation import some_users

RUNGS = (25, 50, 75)
"""Percent of the epochs after which a model that learns in epochs is looked at."""
ALL = 100
_MOST, _FEWEST = 1000, 100

Report = Callable[[int, float], bool]
"""Takes percent done and the figure there; says whether to stop."""


class Pruned(Exception):
    """Ends a trial that is behind most others."""


class Objective:
    """Tries settings on a validation split; it has never seen a test event."""

    def __init__(self, recipe: Recipe, validation: Split, *, metric: str, n_threads: int) -> None:
        self._recipe = recipe
        self._split = validation
        self._metric = metric
        self._run = recipe.run.model_copy(update={"n_threads": n_threads})
        names = dict.fromkeys((metric, *recipe.evaluate.metrics))
        self._asked = recipe.evaluate.model_copy(update={"metrics": tuple(names)})
        n_users = len(validation.test_users())
        self._sample = some_users(validation, max(_FEWEST, min(_MOST, n_users // 4)), seed=recipe.run.seed)
        self._samples = 2 * len(self._sample.test_users()) <= n_users

    def __call__(self, values: Mapping[str, Any], report: Report | None) -> dict[str, Any]:
        """Returns the figures of a trial; raises `Pruned`, or whatever the model raises."""
        began = time.perf_counter(), time.process_time()
        model = make_model(with_values(self._recipe.model, values))
        run = make_run(
            self._run, progress=False, judge_epoch=None if report is None else self._ladder(model, report)
        )
        model.fit(self._split.train, run=run)
        fitted = time.perf_counter(), time.process_time()
        # A model without epochs has one place to stop: before everybody is judged.
        if report is not None and not run.history and self._samples and report(ALL, self._glance(model)):
            raise Pruned
        found = judge(model, self._split, self._asked, run=make_run(self._run, progress=False))
        if found.leaks:
            raise RecsmithError(f"validation must be without leaks. Got: {found.leaks[0]}")
        return {
            "value": found[self._metric].value,
            "metrics": found.to_dict(),
            "fit_seconds": round(fitted[0] - began[0], 3),
            "fit_cpu_seconds": round(fitted[1] - began[1], 3),
            "seconds": round(time.perf_counter() - began[0], 3),
            "peak_gb": peak_gb(),
        }

    def _ladder(self, model: Recommender, report: Report) -> Callable[[int], None]:
        n_epochs = int(getattr(model.config, "n_epochs", 1))
        due = {max(1, round(n_epochs * percent / 100)): percent for percent in RUNGS}
        due.pop(n_epochs, None)
        shown = True

        def look(epochs_done: int) -> None:
            nonlocal shown
            if not shown or epochs_done not in due:
                return
            try:
                # A copy: what a model works out when it is first asked is not to be kept from here.
                figure = self._glance(copy(model))
            except Exception:  # a model may be whole only at the end; then its trial goes there
                shown = False
                return
            if report(due[epochs_done], figure):
                raise Pruned

        return look

    def _glance(self, model: Recommender) -> float:
        asked = self._asked.model_copy(update={"metrics": (self._metric,), "n_bootstrap": 0})
        found = judge(model, self._sample, asked, run=make_run(self._run, progress=False))
        return found[self._metric].value


def peak_gb() -> float | None:
    """Returns the most memory this process has had so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9
