"""How a model is run this time, kept apart from what the model is: seed, threads, progress, going on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal, TypeVar

import numpy as np

from recsmith import progress as bars
from recsmith.errors import InvalidValue

T = TypeVar("T")
Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Says how to run: nothing here changes what the model is.

    `start_epoch` and `state` come from a checkpoint: an iterative model goes on from them and ends
    with the same numbers as if it had never stopped.
    """

    seed: int = 0
    n_threads: int = 0
    """Threads to use; 0 means one for each core this process may use."""
    progress: bool = False
    device: str = "auto"
    """Where networks are trained: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one. `IALS` and
    `EASE` are fitted, and their lists made, on a GPU that is named; `auto` is the CPU to them."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16 computes a network's products on a GPU's tensor cores; it is no matter on a CPU."""
    checkpoints: Path | None = None
    """A folder: networks save checkpoints there, and go on from the newest one that is there."""
    checkpoint_every: int = 1000
    """Steps between two checkpoints."""
    tensorboard: Path | None = None
    """A folder for TensorBoard's event files."""
    stop_at_step: int | None = None
    """Networks end after so many steps, as if they were done: to see that everything works."""
    start_epoch: int = 0
    state: Mapping[str, np.ndarray] | None = None
    on_epoch: Callable[[int], None] | None = None
    """Called with the number of epochs done, after each; a checkpoint hook."""
    judge_epoch: Callable[[int], None] | None = None
    """Called with the number of epochs done, when the model can be asked as it is; may raise to end it."""
    history: list[Figures] = field(default_factory=list)
    """One entry an epoch: `epoch` and what the model logged."""
    _flags: dict[str, bool] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.n_threads < 0:
            raise InvalidValue("n_threads", "0 (all cores) or more", self.n_threads)

    @property
    def threads(self) -> int:
        """The number of threads to use, never 0."""
        return self.n_threads or cores()

    @property
    def interrupted(self) -> bool:
        """True when Ctrl-C ended the epochs early; what was done is kept."""
        return self._flags.get("interrupted", False)

    def note_interruption(self) -> None:
        """Notes that Ctrl-C ended the work early."""
        self._flags["interrupted"] = True

    def log(self, **figures: float) -> None:
        """Notes the figures of the epoch in progress, for the bar and the learning curve."""
        self.history[-1].update({name: float(value) for name, value in figures.items()})

    def epochs(self, n_epochs: int, description: str) -> Iterator[int]:
        """Yields the epochs still to do, with a bar; Ctrl-C ends after the epoch in progress.

        A second Ctrl-C stops at once. Epoch numbers start at `start_epoch`.
        """
        with (
            ctrl_c() as asked_to_stop,
            bars.bar(description, total=n_epochs, shown=self.progress, done=self.start_epoch) as bar,
        ):
            for epoch in range(self.start_epoch, n_epochs):
                self.history.append({"epoch": float(epoch)})
                yield epoch
                figures = {k: v for k, v in self.history[-1].items() if k != "epoch"}
                bar.step(figures=figures)
                if self.on_epoch is not None:
                    self.on_epoch(epoch + 1)
                if self.judge_epoch is not None:
                    self.judge_epoch(epoch + 1)
                if asked_to_stop() and epoch + 1 < n_epochs:
                    self.note_interruption()
                    return

    def track(self, iterable: Iterable[T], description: str, *, total: int | None = None) -> Iterator[T]:
        """Yields from `iterable` with a bar when progress is asked for."""
        yield from bars.track(iterable, description, total=total, shown=self.progress)


def cores() -> int:
    """Returns the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ctrl_c:  # noqa: N801  (used as a function is)
    """Turns the first Ctrl-C into a question the loop asks; only in the main thread."""

    def __init__(self) -> None:
        self._asked = False
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Callable[[], bool]:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return lambda: self._asked

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
