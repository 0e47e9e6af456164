"""The loop: batch, loss, backward, step, hooks. It knows no model and no data set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from recsmith.config.run import Run, ctrl_c
from recsmith.errors import OutOfMemory, enough_memory
from recsmith.training import checkpoint
from recsmith.training.device import in_precision, resolve, to_device
from recsmith.training.hooks import Hook, Moment, Stop

Loss = Callable[[nn.Module, Any], Tensor]
_CURE = (
    'Lower batch_size, then context_length or embedding_dim, or compute with device = "cpu"; '
    "the checkpoints are kept."
)
Schedule = Callable[[float], float]
"""From the share of all steps that is done (0..1) to the factor on the learning rate."""


class Batches(Protocol):
    """Is what the loop learns from: the batches of an epoch depend on its number alone."""

    @property
    def n_steps(self) -> int:
        """Batches in an epoch."""

    @property
    def batch_size(self) -> int:
        """Examples in a batch, for the examples per second."""

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch from step `start` on: tensors, or tuples or dicts of them."""


def train(
    net: nn.Module,
    loss: Loss,
    batches: Batches,
    *,
    optimizer: torch.optim.Optimizer,
    n_epochs: int,
    run: Run,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    hooks: Sequence[Hook] = (),
) -> str:
    """Trains the network in place and returns why it ended: "done", or what a hook or Ctrl-C said.

    `loss(net, batch)` is a scalar. With `run.checkpoints` the loop goes on from the newest checkpoint
    there, and ends with the same weights as if it had never stopped (bit for bit on a CPU). Raises
    `OutOfMemory` when a step does not fit the device, after the hooks have kept what was learnt.
    """
    device = resolve(run.device)
    net.to(device)
    rates = [group["lr"] for group in optimizer.param_groups]
    n_all = n_epochs * batches.n_steps
    torch.manual_seed(run.seed)
    first = 0
    if run.checkpoints:
        first = checkpoint.restore(
            run.checkpoints, net, optimizer, run, hooks=hooks, steps_per_epoch=batches.n_steps
        )
    step, ended, began = first, "done", time.perf_counter()

    def moment(value: Tensor | None) -> Moment:
        seconds = time.perf_counter() - began
        examples = (step - first) * batches.batch_size
        return Moment(step, n_all, batches.n_steps, value, examples, seconds, net, optimizer, run, hooks)

    with ctrl_c() as asked_to_stop:
        ended = _reason(hook.on_start(moment(None)) for hook in hooks) or ended
        for epoch in range(first // batches.n_steps, n_epochs if ended == "done" else 0):
            if len(run.history) <= epoch:
                run.history.append({"epoch": float(epoch)})
            for batch in batches.epoch(epoch, start=step - epoch * batches.n_steps):
                if not net.training:  # a hook judged it; going through all modules at every step costs
                    net.train()
                factor = schedule(step / n_all) if schedule else 1.0
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
                optimizer.zero_grad(set_to_none=True)
                try:
                    with enough_memory(f"step {step + 1} on {device}", _CURE):
                        with in_precision(run.precision, device):
                            value = loss(net, to_device(batch, device))
                        value.backward()  # type: ignore[no-untyped-call]
                        if clip_norm:
                            nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
                        optimizer.step()
                except OutOfMemory:
                    optimizer.zero_grad(set_to_none=True)
                    run.note_interruption()
                    with suppress(MemoryError, RuntimeError):  # the first error is the one to tell
                        for hook in hooks:
                            hook.on_end(moment(None))
                    raise
                step += 1
                now = moment(value.detach())
                reason = _reason(hook.on_step(now) for hook in hooks)
                if reason or (asked_to_stop() and step < n_all):
                    ended = reason or "Ctrl-C"
                    break
            if ended != "done":
                break
        if ended == "Ctrl-C":
            run.note_interruption()
        for hook in hooks:
            hook.on_end(moment(None))
    net.eval()
    return ended


def _reason(answers: Iterable[Stop | None]) -> str | None:
    """Returns the first reason to stop; every hook is asked."""
    reasons = [answer.reason for answer in answers if answer is not None]
    return reasons[0] if reasons else None
