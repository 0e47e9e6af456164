"""RunFolder: a finished or stopped run on the disk, opened again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from recsmith.config.recipe import Recipe, load_recipe
from recsmith.data import Dataset, Split
from recsmith.errors import InvalidValue, RecsmithError
from recsmith.evaluation import Comparison, Evaluation, compare
from recsmith.models import Recommender, load
from recsmith.runs import files
from recsmith.runs.build import judge, make_run, make_split

Metrics = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RunFolder:
    """Reads what a run left: its recipe, model, metrics, learning curve, report."""

    path: Path

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe, which repeats the run."""
        return load_recipe(self.path / files.RECIPE)

    @cached_property
    def status(self) -> dict[str, Any]:
        """How the run went: `state` is "done" or "interrupted"."""
        return files.read_json(self.path / files.STATUS)

    @cached_property
    def metrics(self) -> Metrics:
        """Metric to value, interval and number of users; empty for a run that was not judged."""
        file = self.path / files.METRICS
        return files.read_json(file) if file.is_file() else {}

    @cached_property
    def evaluation(self) -> Evaluation:
        """Figures, per-user values, notes. `DataError` when the run was not judged."""
        return Evaluation.load(self.path)

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """The models judged here, by name: the run's own, or all of a demo's."""
        found = _evaluations_in(self.path / files.EVALUATIONS)
        return found or ({self.recipe.model.name: self.evaluation} if self.metrics else {})

    @property
    def ratings(self) -> dict[str, Evaluation]:
        """A demo's models judged by how well they predict ratings."""
        return _evaluations_in(self.path / files.RATINGS)

    @property
    def learning_curve(self) -> list[dict[str, float]]:
        """A row for each epoch; empty for a model that doesn't learn in epochs."""
        file = self.path / files.LOG / files.CURVE
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        return [json.loads(line) for line in lines]

    def model(self, *, model_class: type[Recommender] | None = None) -> Recommender:
        """Reads the model; one from outside the house needs its class handed in."""
        return load(self.path / files.MODEL, model_class=model_class)

    def data(self) -> Dataset:
        """Reads the data that the recipe names, again."""
        from recsmith.runs.sources import load_data

        return load_data(self.recipe.data)

    def split(self, data: Dataset | None = None) -> Split:
        """Splits the data as the run did."""
        whole = self.data() if data is None else data
        return make_split(whole, self.recipe)

    def evaluate(
        self,
        *,
        metrics: Sequence[str] | None = None,
        n_bootstrap: int | None = None,
        progress: bool = False,
        model_class: type[Recommender] | None = None,
    ) -> Evaluation:
        """Judges the model again, on its own split; writes nothing."""
        changes = {
            key: value
            for key, value in (("metrics", tuple(metrics) if metrics else None), ("n_bootstrap", n_bootstrap))
            if value is not None
        }
        asked = self.recipe.evaluate.model_copy(update=changes)
        run = make_run(self.recipe.run, progress=progress)
        return judge(self.model(model_class=model_class), self.split(), asked, run=run)

    def write_report(
        self,
        out: str | Path | None = None,
        *,
        progress: bool = False,
        model_class: type[Recommender] | None = None,
    ) -> Path:
        """Writes the run's page; returns its path. Raises `MissingExtra` without the report extra."""
        from recsmith.runs.page import write_page

        target = Path(out) if out is not None else self.path / files.REPORT
        return write_page(self, target, model=self.model(model_class=model_class), progress=progress)


def open_run(path: str | Path) -> RunFolder:
    """Opens a run folder; says what is the matter when it isn't one."""
    folder = Path(path)
    if not folder.is_dir():
        raise InvalidValue("run", "a run folder", str(path), "recsmith train RECIPE.toml makes one.")
    for name in (files.RECIPE, files.STATUS):
        if not (folder / name).is_file():
            raise RecsmithError(f"{folder} must be a run folder. Got no {name} there.")
    return RunFolder(folder)


def compare_runs(paths: Sequence[str | Path], *, metrics: Sequence[str] | None = None) -> Comparison:
    """Compares runs on the same test users, every pair: a paired test.

    Raises `InvalidValue` for runs on other splits and for a run given twice, and `DataError` for one that was
    not judged.
    """
    places = [Path(path).resolve() for path in paths]
    twice = next((str(path) for path, at in zip(paths, places, strict=True) if places.count(at) > 1), None)
    if twice is not None:
        raise InvalidValue("runs", "different from each other", twice, "It is there more than once.")
    runs = [open_run(path) for path in paths]
    names = [run.path.name for run in runs]
    unique = names if len(set(names)) == len(names) else [str(run.path) for run in runs]
    return compare({name: run.evaluation for name, run in zip(unique, runs, strict=True)}, metrics=metrics)


def _evaluations_in(folder: Path) -> dict[str, Evaluation]:
    return {one.name: Evaluation.load(one) for one in sorted(folder.glob("*")) if one.is_dir()}
