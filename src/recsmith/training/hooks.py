"""Hooks: what happens beside the loop, at its start, after each step and at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from recsmith import progress as bars
from recsmith.config import Run
from recsmith.errors import Diverged, InvalidValue, Shown
from recsmith.training import checkpoint


@dataclass(frozen=True)
class Moment:
    """Is what a hook is shown: `step` counts the steps done; `loss` is that of the step just done."""

    step: int
    n_steps: int
    steps_per_epoch: int
    loss: Tensor | None
    examples: int
    seconds: float
    net: nn.Module
    optimizer: torch.optim.Optimizer
    run: Run
    hooks: Sequence[Hook] = ()

    @property
    def epoch(self) -> int:
        """The epoch of the step just done, from 0."""
        return max(self.step - 1, 0) // self.steps_per_epoch

    @property
    def ends_epoch(self) -> bool:
        """True after the last step of an epoch."""
        return self.step > 0 and self.step % self.steps_per_epoch == 0


@dataclass(frozen=True)
class Stop:
    """Is a hook's answer that ends the training."""

    reason: str


class Hook(Protocol):
    """Is told of three moments, and may answer the start or a step with `Stop`.

    What a hook must know to go on after a kill is its `state`; it is saved with every checkpoint.
    """

    def on_start(self, now: Moment) -> Stop | None: ...
    def on_step(self, now: Moment) -> Stop | None: ...
    def on_end(self, now: Moment) -> None: ...
    def state(self) -> dict[str, Tensor]: ...
    def restore(self, state: dict[str, Tensor]) -> None: ...


class Quiet:
    """Does nothing; hooks inherit the moments that they leave out."""

    def on_start(self, now: Moment) -> Stop | None:
        return None

    def on_step(self, now: Moment) -> Stop | None:
        return None

    def on_end(self, now: Moment) -> None:
        return None

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        return None


class StopAtStep(Quiet):
    """Ends the training after a number of steps."""

    def __init__(self, step: int) -> None:
        if step < 1:
            raise InvalidValue("step", "1 or more", step)
        self._step = step

    def on_step(self, now: Moment) -> Stop | None:
        return Stop(f"step {self._step}") if now.step >= self._step else None


class StopOnNaN(Quiet):
    """Ends with an error that names the step and its batch as soon as the loss is no number."""

    def on_step(self, now: Moment) -> Stop | None:
        if now.loss is not None and not torch.isfinite(now.loss):
            place = (now.step - 1) % now.steps_per_epoch
            raise Diverged(
                f"loss must be a number. Got {now.loss.item()} at step {now.step} "
                f"(epoch {now.epoch + 1}, batch {place + 1} of {now.steps_per_epoch}). "
                "Lower learning_rate, or set clip_norm; the last checkpoint is kept."
            )
        return None


class EachEpoch(Quiet):
    """Calls with the number of epochs done after each, the network in evaluation mode."""

    def __init__(self, call: Callable[[int], None]) -> None:
        self._call = call

    def on_step(self, now: Moment) -> Stop | None:
        if now.ends_epoch:
            now.net.eval()
            with torch.no_grad():
                self._call(now.epoch + 1)
        return None


class LearningCurve(Quiet):
    """Writes each epoch's mean loss, and what `judge` finds at its end, into the run's history."""

    def __init__(self, judge: Callable[[nn.Module], dict[str, float]] | None = None) -> None:
        self._judge = judge
        self._sum = torch.zeros((), dtype=torch.float64)
        self._count = 0

    def on_step(self, now: Moment) -> Stop | None:
        assert now.loss is not None
        self._sum = self._sum.to(now.loss.device) + now.loss.double()
        self._count += 1
        if now.ends_epoch:
            now.run.log(loss=float(self._sum) / self._count)
            self._sum, self._count = torch.zeros_like(self._sum), 0
            if self._judge is not None:
                now.net.eval()
                with torch.no_grad():
                    now.run.log(**self._judge(now.net))
        return None

    def state(self) -> dict[str, Tensor]:
        return {"sum": self._sum, "count": torch.tensor(self._count)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._sum, self._count = state["sum"], int(state["count"])


class EarlyStopping(Quiet):
    """Ends when a figure of the history stays below its best for `patience` epochs; the best weights stay."""

    def __init__(
        self, figure: str, *, patience: int = 3, better: Literal["higher", "lower"] = "higher"
    ) -> None:
        if patience < 1:
            raise InvalidValue("patience", "1 or more", patience)
        self._figure, self._patience, self._sign = figure, patience, 1.0 if better == "higher" else -1.0
        self._best: dict[str, Tensor] = {}

    def on_start(self, now: Moment) -> Stop | None:
        """Ends at once what had ended when it was killed."""
        return self._judged(now) if self._best and now.ends_epoch else None

    def on_step(self, now: Moment) -> Stop | None:
        return self._judged(now) if now.ends_epoch else None

    def _judged(self, now: Moment) -> Stop | None:
        values = [row[self._figure] * self._sign for row in now.run.history if self._figure in row]
        if not values:
            known = ", ".join(now.run.history[-1])
            raise InvalidValue("early stopping's figure", f"one of {known}", Shown(self._figure))
        best = max(range(len(values)), key=values.__getitem__)
        if now.loss is not None and best == len(values) - 1:
            self._best = {name: t.detach().clone() for name, t in now.net.state_dict().items()}
        if len(values) - 1 - best >= self._patience:
            return Stop(f"{self._figure} best at epoch {best + 1}")
        return None

    def on_end(self, now: Moment) -> None:
        if self._best and not now.run.interrupted:
            now.net.load_state_dict(self._best)

    def state(self) -> dict[str, Tensor]:
        return self._best

    def restore(self, state: dict[str, Tensor]) -> None:
        self._best = state


class Checkpoints(Quiet):
    """Saves everything that going on needs, every so many steps, and at the end; keeps the newest few."""

    def __init__(self, *, every: int, keep: int = 2) -> None:
        if every < 1:
            raise InvalidValue("every", "1 step or more", every)
        self._every, self._keep = every, keep
        self._last = -1

    def on_step(self, now: Moment) -> Stop | None:
        if now.step % self._every == 0:
            self._save(now)
        return None

    def on_end(self, now: Moment) -> None:
        if now.step and now.step != self._last:
            self._save(now)

    def _save(self, now: Moment) -> None:
        assert now.run.checkpoints is not None
        checkpoint.save(
            now.run.checkpoints,
            now.net,
            now.optimizer,
            now.run,
            hooks=now.hooks,
            step=now.step,
            steps_per_epoch=now.steps_per_epoch,
            keep=self._keep,
        )
        self._last = now.step


class TensorBoard(Quiet):
    """Writes loss, learning rate and each epoch's figures for TensorBoard (extra `tensorboard`)."""

    def __init__(self, folder: str, *, every: int = 10) -> None:
        from recsmith.errors import require

        self._writer = require("torch.utils.tensorboard", extra="tensorboard").SummaryWriter(folder)
        self._every = every

    def on_step(self, now: Moment) -> Stop | None:
        if now.step % self._every == 0 and now.loss is not None:
            self._writer.add_scalar("loss", float(now.loss), now.step)
            self._writer.add_scalar("learning_rate", now.optimizer.param_groups[0]["lr"], now.step)
        if now.ends_epoch:
            for name, value in now.run.history[-1].items():
                self._writer.add_scalar(f"epoch/{name}", value, now.step)
        return None

    def on_end(self, now: Moment) -> None:
        self._writer.close()


class ProgressBar(Quiet):
    """Shows steps, loss, examples a second and the time left."""

    def __init__(self, description: str) -> None:
        self._description = description

    def on_start(self, now: Moment) -> Stop | None:
        self._context = bars.bar(self._description, total=now.n_steps, shown=now.run.progress, done=now.step)
        self._bar = self._context.__enter__()
        return None

    def on_step(self, now: Moment) -> Stop | None:
        shown: dict[str, float] = {}
        if now.step % 20 == 0 and now.loss is not None and now.run.progress:
            shown = {"loss": float(now.loss), "examples/s": now.examples / max(now.seconds, 1e-9)}
        self._bar.step(figures=shown or None)
        return None

    def on_end(self, now: Moment) -> None:
        self._context.__exit__(None, None, None)
