"""Trains what a recipe says into a run folder: data, split, fit, metrics, report; goes on after Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from recsmith import __version__
from recsmith.config import Run
from recsmith.config.recipe import Recipe, dump_recipe
from recsmith.data import Split
from recsmith.errors import InvalidValue, MissingExtra, RecsmithError
from recsmith.models import Recommender
from recsmith.runs import files
from recsmith.runs.build import fingerprint, judge, make_model, make_run, make_split
from recsmith.runs.folder import RunFolder, open_run
from recsmith.runs.lock import only_writer
from recsmith.storage import folder_aside

Say = Callable[[str], None]
STATE, EPOCH = "last.safetensors", "last.json"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a training; the message says what was kept and how to go on."""


def train(
    recipe: Recipe,
    *,
    out: str | Path,
    overwrite: bool = False,
    report: bool = True,
    progress: bool | None = None,
    say: Say | None = None,
) -> RunFolder:
    """Trains and judges what the recipe says, and leaves a run folder at `out`, whole or not at all.

    Raises `Interrupted` after Ctrl-C: the epochs done are in the folder, and `resume` goes on.
    """
    target = Path(out)
    files.refuse_existing(target, overwrite=overwrite)
    with only_writer(target), folder_aside(target, sole_writer=True) as folder:
        work = _Work(recipe, folder, target, report=report, progress=progress, say=say)
        stopped = work.do(going_on={})
    if stopped is not None:
        raise stopped
    return open_run(target)


def resume(
    path: str | Path, *, report: bool = True, progress: bool | None = None, say: Say | None = None
) -> RunFolder:
    """Goes on with a run that Ctrl-C stopped; ends with the same numbers as if nothing had stopped it."""
    stopped_run = open_run(path)
    if stopped_run.status["state"] == "done":
        raise InvalidValue("--resume", "a run that was stopped", str(path), "This one is done.")
    target = stopped_run.path
    checkpoint = target / files.CHECKPOINTS
    if not (checkpoint / EPOCH).is_file():
        raise RecsmithError(f"{target} must hold a checkpoint. Got none; train it again with --overwrite.")
    notes = files.read_json(checkpoint / EPOCH)
    going_on = {
        "start_epoch": notes["epochs_done"],
        "state": load_file(checkpoint / STATE),
        "history": list(notes["history"]),
    }
    with only_writer(target), folder_aside(target, sole_writer=True) as folder:
        work = _Work(stopped_run.recipe, folder, target, report=report, progress=progress, say=say)
        stopped = work.do(going_on=going_on, expected=notes["data"])
    if stopped is not None:
        raise stopped
    return open_run(target)


class _Work:
    """One training, in a folder that gets its name when it is done."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        target: Path,
        *,
        report: bool,
        progress: bool | None,
        say: Say | None,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.target = target
        self.report = report
        self.progress = progress
        self._say = say
        self._began = time.perf_counter()
        (folder / files.LOG).mkdir()

    def do(self, *, going_on: dict[str, Any], expected: str | None = None) -> Interrupted | None:
        """Does everything; returns the interruption when there was one."""
        from recsmith.runs.sources import load_data

        recipe, folder = self.recipe, self.folder
        (folder / files.RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
        model = make_model(recipe.model)
        data = load_data(recipe.data)
        mark = fingerprint(data)
        if expected is not None and mark != expected:
            raise RecsmithError(
                "data must be what the run began with. Got other events. Train again with --overwrite."
            )
        split = make_split(data, recipe.split, seed=recipe.run.seed)
        self.say(f"{data}. {split.rule}")
        run = make_run(recipe.run, progress=self.progress, **going_on)
        self.say(f"Fitting {model!r}" + (f" from epoch {run.start_epoch + 1} on" if run.start_epoch else ""))
        try:
            model.fit(split.train, run=run)
        except KeyboardInterrupt:
            raise Interrupted("Stopped before there was anything to keep.") from None
        fit_seconds = time.perf_counter() - self._began
        model.save(folder / files.MODEL)
        files.write_curve(self.folder, model.learning_curve)
        if run.interrupted:
            return self._stop(model, run, mark, split)
        self._judge(model, split, run)
        self._finish(split, fit_seconds=fit_seconds, state="done", data=mark)
        if self.report:
            self._write_report()
        return None

    def say(self, line: str) -> None:
        """Tells the person and the log."""
        if self._say is not None:
            self._say(line)
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        with (self.folder / files.LOG / files.LINES).open("a", encoding="utf-8") as log:
            log.write(f"{stamp} {line}\n")

    def _judge(self, model: Recommender, split: Split, run: Run) -> None:
        if not len(split.test):
            self.say("Nothing is held out, so nothing is judged.")
            files.write_json(self.folder / files.METRICS, {})
            return
        evaluation = judge(model, split, self.recipe.evaluate, run=run)
        evaluation.save(self.folder)
        for remark in (*evaluation.notes, *evaluation.findings):
            self.say(str(remark))

    def _stop(self, model: Recommender, run: Run, mark: str, split: Split) -> Interrupted:
        done = int(run.history[-1]["epoch"]) + 1
        checkpoint = self.folder / files.CHECKPOINTS
        checkpoint.mkdir()
        save_file(
            {name: np.ascontiguousarray(array) for name, array in model.state().items()}, checkpoint / STATE
        )
        files.write_json(
            checkpoint / EPOCH,
            {"epochs_done": done, "data": mark, "history": [dict(row) for row in run.history]},
        )
        self._finish(split, fit_seconds=time.perf_counter() - self._began, state="interrupted", data=mark)
        message = (
            f"Stopped after epoch {done}; what was learnt until then is kept. "
            f"Go on with: recsmith train --resume {self.target}"
        )
        self.say(message)
        return Interrupted(message)

    def _finish(self, split: Split, **facts: Any) -> None:
        files.write_json(
            self.folder / files.STATUS,
            {
                "format": files.FORMAT,
                "recsmith": __version__,
                "model": self.recipe.model.name,
                "data_name": split.train.name,
                "split": split.rule,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - self._began, 3),
                **facts,
            },
        )

    def _write_report(self) -> None:
        try:
            RunFolder(self.folder).write_report(progress=bool(self.progress))
        except MissingExtra as missing:
            self.say(f"No report.html: {missing}")
