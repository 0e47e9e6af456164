"""What a tuning found: its trials, the best of them as a recipe, what mattered; values, table, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from recsmith.config.recipe import Recipe, dump_recipe
from recsmith.config.space import SearchSpace
from recsmith.runs import files
from recsmith.runs.tuning.space import with_values
from recsmith.runs.tuning.study import Trial
from recsmith.storage import file_aside

BEST = "best.toml"
TABLE = "trials.csv"
SUMMARY = "tune.json"


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Holds the trials of a search; figures are those of validation, never of test."""

    path: Path
    recipe: Recipe
    """Where the search began."""
    space: SearchSpace
    metric: str
    higher_is_better: bool
    rule: str
    """The validation split in a sentence."""
    data: str
    trials: Sequence[Trial]
    best: Trial
    importances: Mapping[str, float]

    @property
    def own(self) -> Trial | None:
        """The trial of the recipe's own settings, where the space holds them."""
        return next((trial for trial in self.trials if trial.is_own and trial.state == "done"), None)

    @property
    def best_recipe(self) -> Recipe:
        """The recipe with the best settings; it is not known yet what that reaches on test."""
        model = with_values(self.recipe.model, self.best.values)
        return self.recipe.model_copy(update={"model": model, "tune": None, "expect": {}})

    def counts(self) -> dict[str, int]:
        """Returns how many trials there are of each state."""
        states = [trial.state for trial in self.trials]
        return {
            state: states.count(state) for state in ("done", "pruned", "failed", "stopped") if state in states
        }

    def ranked(self) -> list[Trial]:
        """Returns the trials, the best first; then those ended early and those that failed, as they came."""
        sign = -1.0 if self.higher_is_better else 1.0
        done = [trial for trial in self.trials if trial.state == "done" and trial.value is not None]
        rest = [trial for trial in self.trials if trial.state != "done"]
        return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number)) + rest

    def interval(self, trial: Trial) -> tuple[float | None, float | None]:
        """Returns the ends of the 95 % interval of a trial's figure."""
        figure = trial.result.get("metrics", {}).get(self.metric, {})
        return figure.get("low"), figure.get("high")

    def to_frame(self) -> pl.DataFrame:
        """Returns a row a trial, the best first; lists and what was left out are text and null."""
        rows = []
        for trial in self.ranked():
            low, high = self.interval(trial)
            values = {name: _cell(trial.values.get(name)) for name in self.space}
            seconds = trial.result.get("seconds")
            ended = {"state": trial.state, self.metric: trial.value, "low": low, "high": high}
            rows.append({"trial": trial.number, **ended, "seconds": seconds, **values, "why": trial.why})
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns what `--json` prints."""
        return {
            "tuning": str(self.path),
            "model": self.recipe.model.name,
            "metric": self.metric,
            "validation": self.rule,
            "trials": self.counts(),
            "best": self._told(self.best),
            "own": None if self.own is None else self._told(self.own),
            "importances": dict(self.importances),
            "recipe": str(self.path / BEST),
        }

    def write(self) -> None:
        """Writes the winner as a recipe, the table and the summary, each as a whole."""
        best = _figure(self.best.value)
        n, number = len(self.trials), self.best.number
        head = (
            f"# Best of {n} trials by {self.metric} on validation: {best}, trial {number}.\n"
            f"# {self.rule}\n# What it reaches on test: recsmith train {self.path / BEST}\n\n"
        )
        with file_aside(self.path / BEST) as aside:
            aside.write_text(head + dump_recipe(self.best_recipe), encoding="utf-8")
        with file_aside(self.path / TABLE) as aside:
            self.to_frame().write_csv(aside)
        files.write_json(self.path / SUMMARY, self.to_dict())

    def best_text(self) -> str:
        """Returns the winner's settings as TOML."""
        model = self.best_recipe.model
        return tomli_w.dumps({"model": {"class": model.name, **model.settings}})

    def _told(self, trial: Trial) -> dict[str, Any]:
        low, high = self.interval(trial)
        figures = {self.metric: trial.value, "low": low, "high": high}
        return {
            "trial": trial.number,
            **figures,
            "settings": dict(trial.values),
            "metrics": trial.result["metrics"],
        }


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
