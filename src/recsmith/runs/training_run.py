"""Trains what a recipe says into a run folder: data, split, fit, metrics, report; goes on after Ctrl-C."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsmith import __version__
from recsmith.config import Run
from recsmith.config.recipe import Recipe, dump_recipe, load_recipe, with_absolute_paths
from recsmith.data import Dataset, Split
from recsmith.errors import Diverged, InvalidValue, MissingExtra, OutOfMemory, RecsmithError, Shown
from recsmith.models import Recommender, load
from recsmith.runs import files
from recsmith.runs.build import check_judging, fingerprint, judge, make_model, make_run, make_split
from recsmith.runs.checkpoint import (
    NAME,
    Checkpoint,
    Keeper,
    has_checkpoint,
    has_network_checkpoint,
    left_by_a_killed_run,
)
from recsmith.runs.folder import RunFolder, open_run
from recsmith.runs.lock import only_writer
from recsmith.runs.sources import load_data
from recsmith.storage import folder_aside

Say = Callable[[str], None]
RUNNING, DONE, FITTED, STOPPED = "running", "done", "fitted", "interrupted"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a training; the message says what was kept and how to go on."""


class NotTrained(RecsmithError):
    """A training failed; its checkpoints are kept and it can go on with other settings."""


class NotJudged(RecsmithError):
    """A model was trained and kept, but judging it or writing its report failed."""


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

    `overwrite` replaces a run that is there, and nothing else. Raises `Interrupted` after Ctrl-C: the epochs
    done are in the folder, and `resume` goes on.
    """
    target = Path(out)
    files.refuse_existing(target, overwrite=overwrite)
    files.refuse_what_is_no_run(target)
    with only_writer(target), folder_aside(target, sole_writer=True) as folder:
        work = _Work(recipe, folder, target, report=report, progress=progress, say=say)
        stopped = work.do()
    if stopped is not None:
        raise stopped
    return open_run(target)


def resume(
    path: str | Path, *, report: bool = True, progress: bool | None = None, say: Say | None = None
) -> RunFolder:
    """Goes on with a run that was stopped; ends with the same numbers as if nothing had stopped it.

    After Ctrl-C it goes on from the last epoch; after a kill or a power cut from the last checkpoint.
    """
    target = Path(path)
    with only_writer(target):
        source = left_by_a_killed_run(target) if not target.exists() else target
        if source is None:
            raise InvalidValue("--resume", "a run that was stopped", str(path), "There is none.")
        before = open_run(source).status
        if before["state"] == DONE:
            raise InvalidValue("--resume", "a run that was stopped", str(path), "This one is done.")
        with folder_aside(target) as folder:
            recipe = load_recipe(source / files.RECIPE)
            log = (source / files.LOG / files.LINES).read_text(encoding="utf-8")
            work = _Work(recipe, folder, target, report=report, progress=progress, say=say, log=log)
            stopped = work.do(before=source, status=before)
        if source != target:
            shutil.rmtree(source, ignore_errors=True)
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
        log: str = "",
    ) -> None:
        self.recipe = with_absolute_paths(recipe)  # the folder's own recipe would be read from there
        self.folder = folder
        self.target = target
        self.report = report
        self.progress = progress
        self._say = say
        self._began = time.perf_counter()
        (folder / files.LOG).mkdir()
        (folder / files.LOG / files.LINES).write_text(log, encoding="utf-8")

    def do(
        self, *, before: Path | None = None, status: dict[str, Any] | None = None
    ) -> Interrupted | NotTrained | NotJudged | None:
        """Does everything, or what a stopped run left; returns what cut it short, to be raised at the end."""
        (self.folder / files.RECIPE).write_text(dump_recipe(self.recipe), encoding="utf-8")
        model = make_model(self.recipe.model)
        if self.recipe.split.rule != "none":
            check_judging(model, self.recipe.evaluate)
        data = load_data(self.recipe.data)
        split = make_split(data, self.recipe)
        if not len(split.train):
            raise InvalidValue("split", "one that leaves something to learn from", Shown(split.rule))
        self._finish(split, data, state=RUNNING)
        self.say(f"{data}. {split.rule}")
        checkpoint = None
        if before is not None and status is not None:
            if fingerprint(data) != status["data"]:
                raise RecsmithError(
                    "data must be what the run began with. Got other events. Train again with --overwrite."
                )
            if status["state"] == FITTED:
                shutil.copytree(before / files.MODEL, self.folder / files.MODEL)
                fitted = load(before / files.MODEL, model_class=type(model))
                return self._judge_and_show(fitted, split, data)
            if has_checkpoint(before):
                shutil.copytree(before / files.CHECKPOINTS, self.folder / files.CHECKPOINTS)
            if (self.folder / files.CHECKPOINTS / NAME).is_file():
                checkpoint = Checkpoint.load(self.folder)
        stopped = self._fit(model, data, split, checkpoint)
        return self._judge_and_show(model, split, data) if stopped is None else stopped

    def say(self, line: str) -> None:
        """Tells the person and the log."""
        if self._say is not None:
            self._say(line)
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        with (self.folder / files.LOG / files.LINES).open("a", encoding="utf-8") as log:
            log.write(f"{stamp} {line}\n")

    def _fit(
        self, model: Recommender, data: Dataset, split: Split, checkpoint: Checkpoint | None
    ) -> Interrupted | NotTrained | None:
        history = [] if checkpoint is None else [dict(row) for row in checkpoint.history]
        keeper = Keeper(model, self.folder, history=history)
        run = make_run(
            self.recipe.run,
            progress=self.progress,
            history=history,
            on_epoch=keeper.after_epoch,
            checkpoints=self.folder / files.CHECKPOINTS,
            tensorboard=self.folder / files.LOG / "tensorboard" if self.recipe.run.tensorboard else None,
            start_epoch=0 if checkpoint is None else checkpoint.epochs_done,
            state=None if checkpoint is None else checkpoint.state,
        )
        goes_on = f" from epoch {run.start_epoch + 1} on" if checkpoint else ""
        self.say(f"Fitting {model!r}{goes_on}")
        try:
            model.fit(split.train, run=run)
        except KeyboardInterrupt:
            return self._stop_at_once(split, data)
        except (Diverged, OutOfMemory) as error:
            if isinstance(error, Diverged) and not has_network_checkpoint(self.folder):
                keeper.save(
                    int(history.pop()["epoch"])
                )  # the model is as it was before the epoch that failed
            return self._failed(error, split, data)
        model.save(self.folder / files.MODEL)
        files.write_curve(self.folder, model.learning_curve)
        if run.interrupted:
            return self._stop(run, keeper, split, data)
        shutil.rmtree(self.folder / files.CHECKPOINTS, ignore_errors=True)
        return None

    def _stop(self, run: Run, keeper: Keeper, split: Split, data: Dataset) -> Interrupted:
        """Keeps what was learnt as a checkpoint, beside the model, which can be used as it is."""
        where = f"in epoch {int(run.history[-1]['epoch']) + 1}" if run.history else "in a stage"
        if not has_network_checkpoint(self.folder):
            epoch = int(run.history[-1]["epoch"]) + 1
            keeper.save(epoch)
            where = f"after epoch {epoch}"
        return self._interrupted(f"Stopped {where}; what was learnt until then is kept.", split, data)

    def _stop_at_once(self, split: Split, data: Dataset) -> Interrupted:
        """Keeps the last checkpoint of this training, unless a whole run stands in its place."""
        if not self._is_worth_keeping():
            raise Interrupted("Stopped before there was anything to keep.")
        return self._interrupted("Stopped at once; the last checkpoint is kept.", split, data)

    def _failed(self, error: RecsmithError, split: Split, data: Dataset) -> NotTrained:
        """Keeps the last checkpoint of a training that other settings may save."""
        if not self._is_worth_keeping():
            raise error
        self._finish(split, data, state=STOPPED)
        failed = NotTrained(
            f"{error} To go on from the last checkpoint, change {self.target / files.RECIPE}, then: "
            f"recsmith train --resume {self.target}"
        )
        failed.__cause__ = error
        self.say(str(failed))
        return failed

    def _is_worth_keeping(self) -> bool:
        """Says whether there is a checkpoint, and no whole run in whose place it would be put."""
        is_whole = (self.target / files.STATUS).is_file() and open_run(self.target).status["state"] == DONE
        return not is_whole and has_checkpoint(self.folder)

    def _judge_and_show(
        self, model: Recommender, split: Split, data: Dataset
    ) -> Interrupted | NotJudged | None:
        fit_seconds = time.perf_counter() - self._began
        try:
            self._judge(model, split)
            self._finish(split, data, state=DONE, fit_seconds=round(fit_seconds, 3))
            if self.report:
                self._write_report(model, split, data)
        except KeyboardInterrupt:
            kept = "Stopped after the training; the model is kept, its judgement is not."
            return self._interrupted(kept, split, data, state=FITTED)
        except Exception as error:  # whatever it is, the training was dearer
            self._finish(split, data, state=FITTED)
            failed = NotJudged(
                f"The model is trained and kept, but judging it failed: {type(error).__name__}: {error}. "
                f"When that is mended, go on with: recsmith train --resume {self.target}"
            )
            failed.__cause__ = error
            self.say(str(failed))
            return failed
        return None

    def _judge(self, model: Recommender, split: Split) -> None:
        if not len(split.test):
            self.say("Nothing is held out, so nothing is judged.")
            files.write_json(self.folder / files.METRICS, {})
            return
        run = make_run(self.recipe.run, progress=self.progress)
        evaluation = judge(model, split, self.recipe.evaluate, run=run)
        evaluation.save(self.folder)
        for remark in (*evaluation.notes, *evaluation.findings):
            self.say(str(remark))

    def _interrupted(self, kept: str, split: Split, data: Dataset, *, state: str = STOPPED) -> Interrupted:
        self._finish(split, data, state=state)
        message = f"{kept} Go on with: recsmith train --resume {self.target}"
        self.say(message)
        return Interrupted(message)

    def _finish(self, split: Split, data: Dataset, **facts: Any) -> None:
        files.write_json(
            self.folder / files.STATUS,
            {
                "format": files.FORMAT,
                "recsmith": __version__,
                "model": self.recipe.model.name,
                "data_name": data.name,
                "data": fingerprint(data),
                "split": split.rule,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - self._began, 3),
                **facts,
            },
        )

    def _write_report(self, model: Recommender, split: Split, data: Dataset) -> None:
        """Writes the page; a page that fails is no reason to lose a training."""
        try:
            from recsmith.runs.page import write_page

            page = self.folder / files.REPORT
            write_page(
                RunFolder(self.folder), page, name=self.target.name, model=model, split=split, data=data
            )
        except MissingExtra as missing:
            self.say(f"No report.html: {missing}")
        except Exception as error:
            self.say(f"No report.html: {type(error).__name__}: {error}. Try: recsmith report {self.target}")
