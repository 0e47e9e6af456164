"""The trials of a tuning, kept by Optuna (Akiba et al., KDD 2019) in a journal: what is next, what came out.

What comes next hangs on the seed and on the trials that ended, not on how often the search was stopped.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from recsmith.config.space import Choices, Dimension, SearchSpace
from recsmith.errors import RecsmithError, require
from recsmith.rng import generator

STORE = "trials.journal"
_NAME = "tune"
_OURS = "recsmith"
_WHY, _REDO, _RESULT, _OWN = "why", "redo of", "result", "own"
_STARTUP = 10
_MEDIAN_OF = 5

Sampler = Literal["auto", "tpe", "random", "grid"]
State = Literal["done", "pruned", "failed", "stopped", "running"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Is one trial: its settings, how it ended, its figures."""

    number: int
    values: dict[str, Any]
    state: State
    value: float | None = None
    """Of the metric that decides, on validation."""
    steps: dict[int, float] = field(default_factory=dict)
    """What it was judged by on the way, on a sample: percent of the training done → figure."""
    result: dict[str, Any] = field(default_factory=dict)
    """All metrics with their intervals, seconds, peak memory."""
    why: str = ""
    """Why it failed."""
    is_own: bool = False
    """True for the recipe's own settings."""


class Study:
    """Asks for settings, is told of results; with a folder it goes on with what is there."""

    def __init__(
        self,
        space: SearchSpace,
        *,
        higher_is_better: bool,
        n_trials: int,
        seed: int = 0,
        sampler: Sampler = "auto",
        folder: Path | None = None,
    ) -> None:
        self._optuna = _optuna()
        self.space = dict(space)
        self.higher_is_better = higher_is_better
        self.n_trials = n_trials
        self._seed = seed
        grid = _grid(space) if sampler in ("auto", "grid") else None
        small = grid is not None and (sampler == "grid" or len(grid) <= n_trials)
        if sampler == "grid" and grid is None:
            raise RecsmithError(
                "tune.space must be lists of choices, or whole numbers or steps, for a grid. "
                "Got a range without step."
            )
        self._grid = grid if small else None
        self._random = sampler == "random"
        self._study = self._open(folder)
        self._distributions = {name: _distribution(self._optuna, one) for name, one in self.space.items()}

    def recover(self) -> int:
        """Closes the trials that were running when the search was stopped, and has them done again.

        One that was stopped twice is not tried a third time: it may be what stops the search. Returns how
        many there were.
        """
        left = [t for t in self._study.get_trials(deepcopy=False) if t.state.name == "RUNNING"]
        for trial in left:
            if _REDO in trial.user_attrs:
                self.failed(trial.number, "stopped while it ran, twice")
                continue
            self._note(trial._trial_id, _WHY, "stopped while it ran")
            self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)
            if set(trial.params) == set(self.space):
                self._enqueue(trial.params, {_REDO: trial.number, **_kept(trial.user_attrs)})
        return len(left)

    def begin_with(self, values: Mapping[str, Any]) -> None:
        """Has these settings tried first, unless something was tried already."""
        if not self._study.get_trials(deepcopy=False):
            self._enqueue({name: _to_optuna(self.space[name], v) for name, v in values.items()}, {_OWN: True})

    def ask(self) -> Trial | None:
        """Returns the next trial, or None when there are enough or every combination was tried."""
        if self.n_left <= 0:
            return None
        trials = self._study.get_trials(deepcopy=False)
        counted = sum(t.state.name not in ("FAIL", "WAITING") for t in trials)
        if self._grid is not None and not any(t.state.name == "WAITING" for t in trials):
            tried = {_key(t.params) for t in trials}
            rest = (point for point in self._grid if _key(self._encoded(point)) not in tried)
            point = next(rest, None)
            if point is None:
                return None
            self._enqueue(self._encoded(point), {})
        drawn = int(generator(self._seed, "tune", counted).integers(2**31))
        samplers = self._optuna.samplers
        startup = max(4, min(_STARTUP, self.n_trials // 4))
        self._study.sampler = (
            samplers.RandomSampler(seed=drawn)
            if self._random
            else samplers.TPESampler(seed=drawn, n_startup_trials=startup)
        )
        return self._trial(self._study.ask(self._distributions))

    def same_as(self, trial: Trial) -> Trial | None:
        """Returns a trial with the same settings that is done: it would come out the same."""
        return next(
            (one for one in self.trials() if one.state == "done" and one.values == trial.values), None
        )

    def report(self, number: int, step: int, value: float) -> bool:
        """Notes what a trial reached on the way; says whether it is behind most others at that point."""
        trial = self._optuna.trial.Trial(self._study, self._by_number(number)._trial_id)
        if step not in self._by_number(number).intermediate_values and math.isfinite(value):
            trial.report(value, step)
        return bool(trial.should_prune())

    def tell(self, number: int, value: float, result: Mapping[str, Any]) -> None:
        """Notes that a trial is done; a figure that is no number is a failure."""
        if not math.isfinite(value):
            return self.failed(number, f"its figure must be a number. Got {value}.")
        self._note(self._by_number(number)._trial_id, _RESULT, dict(result))
        self._study.tell(number, value)

    def pruned(self, number: int, result: Mapping[str, Any]) -> None:
        """Notes that a trial was ended early."""
        self._note(self._by_number(number)._trial_id, _RESULT, dict(result))
        self._study.tell(number, state=self._optuna.trial.TrialState.PRUNED)

    def failed(self, number: int, why: str) -> None:
        """Notes that settings do not work; the sampler takes them for the worst there are."""
        self._note(self._by_number(number)._trial_id, _WHY, why)
        self._study.tell(number, state=self._optuna.trial.TrialState.PRUNED)

    def trials(self) -> list[Trial]:
        """Returns all trials so far, in order."""
        return [self._trial(t) for t in self._study.get_trials(deepcopy=False) if t.state.name != "WAITING"]

    def best(self) -> Trial | None:
        """Returns the best trial that is done, the first of equals; None before there is one."""
        done = [trial for trial in self.trials() if trial.state == "done" and trial.value is not None]
        sign = -1.0 if self.higher_is_better else 1.0
        return min(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)

    def importances(self) -> dict[str, float]:
        """Returns each setting's share in what tells the better trials from the rest, the largest first.

        PED-ANOVA (Watanabe et al., IJCAI 2023) over the trials that are done; empty for fewer than five of
        them, or when all are equal.
        """
        done = [trial for trial in self.trials() if trial.state == "done"]
        if len(done) < 5 or len({trial.value for trial in done}) < 2:
            return {}
        quantile = min(0.5, max(0.1, 5 / len(done)))
        evaluator = self._optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        found = self._optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}

    @property
    def n_left(self) -> int:
        """How many trials are still to begin; stopped ones do not count."""
        begun = [t.state.name for t in self._study.get_trials(deepcopy=False)]
        return self.n_trials - sum(name in ("COMPLETE", "PRUNED", "RUNNING") for name in begun)

    @property
    def facts(self) -> dict[str, Any]:
        """What was written down of the search: of which recipe and data it is."""
        return dict(self._study.user_attrs)

    def note(self, **facts: Any) -> None:
        """Writes down facts about the search."""
        for name, value in facts.items():
            self._study.set_user_attr(name, value)

    def _open(self, folder: Path | None) -> Any:
        optuna = self._optuna
        pruner = optuna.pruners.MedianPruner(n_startup_trials=_MEDIAN_OF, n_min_trials=_MEDIAN_OF - 1)
        direction = "maximize" if self.higher_is_better else "minimize"
        if folder is None:
            return optuna.create_study(direction=direction, pruner=pruner)
        file = folder / STORE
        _drop_torn_line(file)
        backend = optuna.storages.journal.JournalFileBackend(str(file), lock_obj=_OneWriter())
        try:
            return optuna.create_study(
                storage=optuna.storages.JournalStorage(backend),
                study_name=_NAME,
                direction=direction,
                pruner=pruner,
                load_if_exists=True,
            )
        except (ValueError, KeyError, AssertionError) as error:
            raise RecsmithError(
                f"{file} must be a store of trials. Got: {error or 'other lines'}. "
                "It is cut short or altered; --overwrite begins anew."
            ) from error

    def _enqueue(self, params: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        self._study.enqueue_trial(dict(params), user_attrs=dict(attributes))

    def _encoded(self, point: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _to_optuna(self.space[name], value) for name, value in point.items()}

    def _by_number(self, number: int) -> Any:
        return self._study.get_trials(deepcopy=False)[number]

    def _note(self, trial_id: int, name: str, value: Any) -> None:
        self._study._storage.set_trial_user_attr(trial_id, name, value)

    def _trial(self, trial: Any) -> Trial:
        frozen = self._by_number(trial.number)
        notes = frozen.user_attrs
        states: dict[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "stopped"}
        ended = states.get(frozen.state.name, "running")
        return Trial(
            number=frozen.number,
            values={
                name: _from_optuna(self.space[name], value)
                for name, value in frozen.params.items()
                if name in self.space
            },
            state="failed" if ended == "pruned" and _WHY in notes else ended,
            value=frozen.value if frozen.state.name == "COMPLETE" else None,
            steps=dict(frozen.intermediate_values),
            result=notes.get(_RESULT, {}),
            why=notes.get(_WHY, ""),
            is_own=bool(notes.get(_OWN)),
        )


class _OneWriter:
    """Is the journal's lock where the folder's own lets one process in: no waiting after a kill."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


def _optuna() -> ModuleType:
    optuna = require("optuna", extra="tune")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _drop_torn_line(file: Path) -> None:
    """Cuts off a last line that a power cut left without its end."""
    if not file.is_file():
        return
    text = file.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        with file.open("r+b") as stream:
            stream.truncate(whole)


def _distribution(optuna: ModuleType, dimension: Dimension) -> Any:
    kinds = optuna.distributions
    if isinstance(dimension, Choices):
        return kinds.CategoricalDistribution([_to_optuna(dimension, value) for value in dimension.values])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a high that no step meets is rounded down
        if dimension.is_whole:
            return kinds.IntDistribution(
                int(dimension.low), int(dimension.high), log=dimension.log, step=int(dimension.step or 1)
            )
        return kinds.FloatDistribution(
            float(dimension.low), float(dimension.high), log=dimension.log, step=dimension.step
        )


def _to_optuna(dimension: Dimension, value: Any) -> Any:
    """Choices are kept as JSON: Optuna's own are single words and numbers, and True is 1 to it."""
    return json.dumps(value) if isinstance(dimension, Choices) else value


def _from_optuna(dimension: Dimension, value: Any) -> Any:
    return json.loads(value) if isinstance(dimension, Choices) else value


def _grid(space: SearchSpace) -> list[dict[str, Any]] | None:
    """Returns every combination, or None for a space that is endless or above a million."""
    columns: list[list[Any]] = []
    for dimension in space.values():
        if isinstance(dimension, Choices):
            columns.append(list(dimension.values))
        elif dimension.step is None and not dimension.is_whole:
            return None
        else:
            step = dimension.step or 1
            n = math.floor((dimension.high - dimension.low) / step + 1e-9) + 1
            columns.append([dimension.low + k * step for k in range(min(n, 1_000_001))])
    if math.prod(map(len, columns)) > 1_000_000:
        return None
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*columns)]


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=float)


def _kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {_OWN: True} if attributes.get(_OWN) else {}
