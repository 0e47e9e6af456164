"""Where a model without a network computes: on the CPU by compiled kernels, or on a GPU that a run names."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from recsmith.config import Run
from recsmith.errors import require

if TYPE_CHECKING:
    import torch


def accelerator(run: Run) -> torch.device | None:
    """Returns the device of a run that names one ("cuda", "cuda:1"), else None.

    "auto" is None too: results on a GPU are those of the CPU to rounding, not to the bit, so only who asks
    gets them. Raises `MissingExtra` without torch, `InvalidValue` where there is no such device.
    """
    if run.device in ("auto", "cpu"):
        return None
    require("torch", extra="neural")
    device: torch.device = importlib.import_module("recsmith.training.device").resolve(run.device)
    return device


def closed_forms() -> ModuleType:
    """Returns `recsmith.nn.closed_forms`, which imports torch: by name, for who reads a bundle has none."""
    return importlib.import_module("recsmith.nn.closed_forms")
