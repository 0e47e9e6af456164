"""tune: searches better settings for a recipe on validation, in a folder that outlives a kill."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsmith import progress as bars
from recsmith.config.recipe import Recipe, TuneRecipe, dump_recipe, with_absolute_paths
from recsmith.config.space import SearchSpace
from recsmith.errors import InvalidValue, MissingExtra, RecsmithError, Shown
from recsmith.evaluation.metrics import parse_metric
from recsmith.runs import files
from recsmith.runs.build import check_judging, fingerprint, make_model
from recsmith.runs.lock import only_writer
from recsmith.runs.sources import load_data
from recsmith.runs.training_run import Interrupted, Say
from recsmith.runs.tuning.crew import Crew
from recsmith.runs.tuning.result import BEST, Tuning
from recsmith.runs.tuning.space import own_values, plain, space_of
from recsmith.runs.tuning.study import STORE, Study
from recsmith.runs.tuning.validation import validation_split

HOPELESS = 5
"""So many first trials that all fail end a search: it is not the settings."""


class NoTrialFinished(RecsmithError):
    """A search ended without a single trial that was judged to the end."""


def tune(
    recipe: Recipe,
    *,
    out: str | Path,
    trials: int | None = None,
    timeout: float | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    report: bool = True,
    progress: bool = False,
    say: Say | None = None,
) -> Tuning:
    """Searches the recipe's space on a validation part of train; leaves the best as a recipe in `out`.

    The same call again goes on with what is there, up to `trials` in all (the recipe's when not given); a
    trial that was running when the search was stopped is done again. `timeout` is in seconds; running trials
    are finished. `jobs` trials run side by side, but never more than the free memory holds. No test event is
    looked at. Raises `InvalidValue` for a folder of another recipe, `NoTrialFinished`, and `Interrupted`
    after Ctrl-C.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InvalidValue("jobs", "a whole number, 1 or more", jobs)
    given = {name: value for name, value in (("trials", trials), ("timeout", timeout)) if value is not None}
    asked = TuneRecipe.of({**(recipe.tune or TuneRecipe()).model_dump(), **given}, within="tune")
    target = Path(out)
    _refuse_what_is_no_tuning(target, overwrite=overwrite)
    return _Search(recipe, asked, target, jobs=jobs, progress=progress, report=report, say=say).do(overwrite)


class _Search:
    def __init__(
        self,
        recipe: Recipe,
        asked: TuneRecipe,
        folder: Path,
        *,
        jobs: int,
        progress: bool,
        report: bool,
        say: Say | None,
    ) -> None:
        self.folder, self.jobs, self.progress, self.report = folder, jobs, progress, report
        self.say = say or (lambda line: None)
        self.metric = parse_metric(asked.metric or recipe.evaluate.metrics[0])
        self.space: SearchSpace = space_of(recipe, asked)
        self.asked = asked.model_copy(update={"metric": self.metric.name, "space": plain(self.space)})
        # The processes read it from the folder, where relative paths would start.
        self.recipe = with_absolute_paths(recipe.model_copy(update={"tune": self.asked}))
        names = dict.fromkeys((self.metric.name, *recipe.evaluate.metrics))
        check_judging(make_model(recipe.model), recipe.evaluate.model_copy(update={"metrics": tuple(names)}))

    def do(self, overwrite: bool) -> Tuning:
        data = load_data(self.recipe.data)
        validation = validation_split(data, self.recipe, self.asked)
        rule, own = validation.rule, own_values(self.recipe, self.space, n_events=len(validation.train))
        about, mark = str(data.name), fingerprint(data)
        del data, validation  # the processes read it themselves
        with only_writer(self.folder):
            if overwrite and self.folder.exists():
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            study = self._open(mark, own)
            try:
                self._run(study)
            except KeyboardInterrupt:
                raise Interrupted(self._stopped(study)) from None
            finally:
                found = self._found(study, rule, about)
                if found is not None:
                    found.write()
            if found is None:
                raise self._nothing(study)
            if self.report:
                self._write_page(found)
        return found

    def _open(self, mark: str, own: Mapping[str, Any] | None) -> Study:
        """Opens the store, or makes it; refuses one of another recipe or other data."""
        is_new = not (self.folder / STORE).exists()
        study = Study(
            self.space,
            higher_is_better=self.metric.higher_is_better,
            n_trials=self.asked.trials,
            seed=self.asked.seed,
            sampler=self.asked.sampler,
            folder=self.folder,
        )
        now = _essence(self.recipe)
        if is_new or not study.facts:
            study.note(recipe=now, data=mark)
        else:
            self._refuse_another(study.facts, now, mark)
        (self.folder / files.RECIPE).write_text(dump_recipe(self.recipe), encoding="utf-8")
        if (left := study.recover()) or study.trials():
            again = f", {left} of them stopped and done again" if left else ""
            self.say(f"Going on with {len(study.trials())} trials in {self.folder}{again}.")
        if own is None:
            self.say("The recipe's own settings lie outside the space; they are not judged.")
        else:
            study.begin_with(own)
        return study

    def _refuse_another(self, facts: Mapping[str, Any], now: Mapping[str, Any], mark: str) -> None:
        cure = "Give another --out, or --overwrite to begin anew."
        name, there, here = _first_difference(facts["recipe"], now)
        if name:
            told = Shown(f"{self.folder}, where {name} is {there!r}; here it is {here!r}")
            raise InvalidValue("the tuning store", "of this recipe", told, cure)
        if facts["data"] != mark:
            raise InvalidValue("the tuning store", "of these data", Shown(f"{self.folder}, of others"), cure)

    def _run(self, study: Study) -> None:
        began = time.monotonic()
        done = sum(trial.state in ("done", "pruned") for trial in study.trials())
        with (
            Crew(self.folder, jobs=self.jobs, n_threads=self.recipe.run.n_threads) as crew,
            bars.bar("tune", total=study.n_trials, shown=self.progress, done=done) as bar,
        ):
            while True:
                late = self.asked.timeout is not None and time.monotonic() - began >= self.asked.timeout
                while not late and crew.room() > 0 and not self._is_hopeless(study):
                    trial = study.ask()
                    if trial is None:
                        break
                    same = study.same_as(trial)
                    if same is not None and same.value is not None:
                        study.tell(trial.number, same.value, {**same.result, "same_as": same.number})
                        bar.step(figures=self._figures(study))
                        continue
                    crew.begin(trial.number, trial.values)
                if not crew.busy:
                    return
                heard = crew.next()
                if heard is None or heard[0].trial is None:
                    continue
                worker, message = heard
                number, kind = worker.trial, message["kind"]
                assert number is not None
                if kind == "report":
                    worker.send(stop=study.report(number, message["step"], message["value"]))
                elif kind != "ready":
                    self._note(study, number, message)
                    worker.trial = None
                    bar.step(figures=self._figures(study))

    def _note(self, study: Study, number: int, message: Mapping[str, Any]) -> None:
        if message["kind"] == "done":
            study.tell(number, message["result"]["value"], message["result"])
        elif message["kind"] == "pruned":
            study.pruned(number, message["result"])
        else:
            killed = f"its process was killed (status {message.get('status')}); out of memory?"
            study.failed(number, message.get("why", killed))

    def _is_hopeless(self, study: Study) -> bool:
        ended = [trial for trial in study.trials() if trial.state not in ("running", "stopped")]
        return len(ended) >= HOPELESS and all(trial.state == "failed" for trial in ended)

    def _figures(self, study: Study) -> dict[str, float]:
        best = study.best()
        return {} if best is None or best.value is None else {f"best {self.metric.name}": best.value}

    def _found(self, study: Study, rule: str, about: str) -> Tuning | None:
        best = study.best()
        if best is None:
            return None
        return Tuning(
            path=self.folder,
            recipe=self.recipe,
            space=self.space,
            metric=self.metric.name,
            higher_is_better=self.metric.higher_is_better,
            rule=rule,
            data=about,
            trials=[trial for trial in study.trials() if trial.state != "running"],
            best=best,
            importances=study.importances(),
        )

    def _nothing(self, study: Study) -> NoTrialFinished:
        ended = [trial for trial in study.trials() if trial.state == "failed"]
        if not ended:
            return NoTrialFinished(
                "a trial must finish. Got none in the time there was. Give a longer --timeout."
            )
        return NoTrialFinished(
            f"a trial must finish. Got {len(ended)} that failed, the last: {ended[-1].why}"
        )

    def _stopped(self, study: Study) -> str:
        done = sum(trial.state in ("done", "pruned") for trial in study.trials())
        return f"Stopped after {done} trials; they are kept in {self.folder}. The same command goes on."

    def _write_page(self, found: Tuning) -> None:
        try:
            from recsmith.runs.tuning.page import write_page

            write_page(found, self.folder / files.REPORT)
        except MissingExtra as missing:
            self.say(f"No report.html: {missing}")


def _refuse_what_is_no_tuning(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists() or (folder / STORE).is_file():
        return
    if folder.is_dir() and not any(folder.iterdir()):
        return
    raise InvalidValue(
        "--out", "a new path, or a tuning to go on with", str(folder), "It holds something else."
    )


def _essence(recipe: Recipe) -> dict[str, Any]:
    """Returns what makes trials comparable; the data are told by their events instead."""
    tree = recipe.model_dump(mode="json", by_alias=True, exclude={"data", "expect"})
    for key in ("n_threads", "progress", "tensorboard", "checkpoint_every", "device"):
        tree["run"].pop(key)
    for key in ("trials", "timeout"):
        tree["tune"].pop(key)
    return tree


def _first_difference(there: Any, here: Any, name: str = "") -> tuple[str, Any, Any]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys((*there, *here)):
            inner = _first_difference(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if inner[0]:
                return inner
        return "", None, None
    return ("", None, None) if there == here else (name.replace(".settings", ""), there, here)


__all__ = ["BEST", "NoTrialFinished", "tune"]
