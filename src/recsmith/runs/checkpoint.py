"""Checkpoints: what a training needs to go on as if it had never stopped, in one file without pickle."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recsmith.errors import RecsmithError
from recsmith.models import Recommender
from recsmith.runs import files
from recsmith.storage import file_aside

NAME = "last.safetensors"
SECONDS_BETWEEN = 30.0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Holds a model's arrays after some epochs, and its learning curve."""

    epochs_done: int
    state: Mapping[str, np.ndarray]
    history: tuple[dict[str, float], ...]

    def save(self, folder: Path) -> None:
        """Writes the checkpoint into a run folder, in place of an older one."""
        path = folder / files.CHECKPOINTS / NAME
        notes = {"epochs_done": self.epochs_done, "history": list(self.history)}
        arrays = {name: np.ascontiguousarray(array) for name, array in self.state.items()}
        with file_aside(path) as aside:
            save_file(arrays, aside, metadata={"run": json.dumps(notes)})

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Reads the checkpoint of a run folder, whole into memory."""
        path = folder / files.CHECKPOINTS / NAME
        try:
            with safe_open(path, framework="numpy") as file:
                notes: dict[str, Any] = json.loads(file.metadata()["run"])
                state = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise RecsmithError(f"{path} must be a checkpoint. Got: {error}. Train again.") from error
        return cls(notes["epochs_done"], state, tuple(notes["history"]))


def has_checkpoint(folder: Path) -> bool:
    """Says whether a folder holds a checkpoint, ours or those that networks write themselves."""
    return (folder / files.CHECKPOINTS / NAME).is_file() or has_network_checkpoint(folder)


def has_network_checkpoint(folder: Path) -> bool:
    """Says whether a folder holds a checkpoint of the loop that trains networks."""
    return any((folder / files.CHECKPOINTS).rglob("step-*"))


def left_by_a_killed_run(target: Path) -> Path | None:
    """Returns the newest unfinished folder beside `target` that has a checkpoint, or None."""
    left = [folder for folder in target.parent.glob(f".{target.name}.*.part") if has_checkpoint(folder)]
    return max(left, key=lambda folder: (folder / files.CHECKPOINTS).stat().st_mtime, default=None)


class Keeper:
    """Saves a checkpoint now and then while a model is trained, against power cuts and kill -9."""

    def __init__(self, model: Recommender, folder: Path, *, history: list[dict[str, float]]) -> None:
        self._model = model
        self._folder = folder
        self._history = history
        self._last = time.monotonic()

    def after_epoch(self, epochs_done: int) -> None:
        """Is called after each epoch."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN:
            self.save(epochs_done)

    def save(self, epochs_done: int) -> None:
        """Saves what the model has learnt so far, if it shows it before the end."""
        self._last = time.monotonic()
        try:
            state = self._model.state()
        except AttributeError:  # a model may set its state only when it is done
            return
        history = tuple(dict(row) for row in self._history)
        Checkpoint(epochs_done, state, history).save(self._folder)
