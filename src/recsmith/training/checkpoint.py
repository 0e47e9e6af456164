"""Checkpoints: weights, optimiser, random state and learning curve, whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from recsmith.config import Run
from recsmith.errors import InvalidValue, ModelFileError
from recsmith.storage import folder_aside

_NET, _OPTIMIZER, _HOOKS = "net.safetensors", "optimizer.safetensors", "hooks.safetensors"
_STATE = "state.json"
_NAME = re.compile(r"step-(\d+)$")


class Remembers(Protocol):
    """Is a hook, as far as a checkpoint is concerned."""

    def state(self) -> dict[str, Tensor]: ...
    def restore(self, state: dict[str, Tensor]) -> None: ...


def save(
    folder: Path,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    run: Run,
    *,
    hooks: Sequence[Remembers],
    step: int,
    steps_per_epoch: int,
    keep: int,
) -> None:
    """Writes `folder/step-N`, then removes all but the newest `keep`."""
    state = optimizer.state_dict()
    tensors, plain = _split(state["state"])
    tensors["rng.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    kept = {f"{place}.{name}": t for place, hook in enumerate(hooks) for name, t in hook.state().items()}
    described = {
        "step": step,
        "steps_per_epoch": steps_per_epoch,
        "seed": run.seed,
        "history": run.history,
        "groups": [{k: v for k, v in group.items() if k != "params"} for group in state["param_groups"]],
        "plain": plain,
    }
    with folder_aside(folder / f"step-{step:09d}", sole_writer=True) as aside:
        for name, group in ((_NET, net.state_dict()), (_OPTIMIZER, tensors), (_HOOKS, kept)):
            # A copy each: weights that are tied share memory, which the format refuses.
            save_file({key: t.detach().cpu().clone().contiguous() for key, t in group.items()}, aside / name)
        (aside / _STATE).write_text(json.dumps(described), encoding="utf-8")
    for old in found(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def found(folder: Path) -> list[Path]:
    """Returns the whole checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.match(path.name) and (path / _STATE).is_file())


def restore(
    folder: Path,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    run: Run,
    *,
    hooks: Sequence[Remembers],
    steps_per_epoch: int,
) -> int:
    """Puts the newest checkpoint into network, optimiser, random state and history; returns its step.

    Returns 0 where there is none; with another batch size, the step at the same share of the epochs. Raises
    `ModelFileError` for a checkpoint of another architecture.
    """
    checkpoints = found(folder)
    if not checkpoints:
        return 0
    newest = checkpoints[-1]
    try:
        described = json.loads((newest / _STATE).read_text(encoding="utf-8"))
        weights, tensors, kept = (load_file(newest / name) for name in (_NET, _OPTIMIZER, _HOOKS))
    except (ValueError, OSError, SafetensorError) as error:
        raise ModelFileError(f"{newest} must be a whole checkpoint. Got: {error}. Delete it.") from error
    if described["seed"] != run.seed:
        raise InvalidValue("seed", f"{described['seed']}, as the run began", run.seed)
    _fits(newest, net, weights)
    net.load_state_dict(weights)
    rng = {name: tensors.pop(name) for name in ("rng.cpu", "rng.cuda") if name in tensors}
    groups = optimizer.state_dict()["param_groups"]
    merged = [{**now, **then} for now, then in zip(groups, described["groups"], strict=True)]
    rates = [group["lr"] for group in groups]  # the schedule's base, not the factor of that step
    optimizer.load_state_dict({"state": _join(tensors, described["plain"]), "param_groups": merged})
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    torch.set_rng_state(rng["rng.cpu"])
    if "rng.cuda" in rng and torch.cuda.is_available():
        torch.cuda.set_rng_state(rng["rng.cuda"])
    run.history[:] = described["history"]
    for place, hook in enumerate(hooks):
        mine = {name.split(".", 1)[1]: t for name, t in kept.items() if name.split(".", 1)[0] == str(place)}
        if mine:
            hook.restore(mine)
    then = described.get("steps_per_epoch", steps_per_epoch)
    return int(described["step"] * steps_per_epoch // then)


def _fits(path: Path, net: nn.Module, weights: dict[str, Tensor]) -> None:
    ours = {name: tuple(t.shape) for name, t in net.state_dict().items()}
    theirs = {name: tuple(t.shape) for name, t in weights.items()}
    if ours != theirs:
        names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        name = names[0]
        raise ModelFileError(
            f"{path} must be of the same architecture. Got {name} {theirs.get(name, 'absent')} there, "
            f"{ours.get(name, 'absent')} here ({len(names)} tensors differ). "
            "Use the recipe the run began with, or another --out."
        )


def _split(state: dict[int, dict[str, Any]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Takes an optimiser's state apart into tensors and plain numbers, named `parameter.name`."""
    tensors, plain = {}, {}
    for parameter, values in state.items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{parameter}.{name}"] = value
            else:
                plain[f"{parameter}.{name}"] = value
    return tensors, plain


def _join(tensors: dict[str, Tensor], plain: dict[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **plain}.items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = value
    return state
