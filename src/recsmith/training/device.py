"""Where to compute and how precisely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from recsmith.errors import InvalidValue


def resolve(name: str) -> torch.device:
    """Returns the device of a name: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidValue("device", "auto, cpu, cuda or cuda:NUMBER", name) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InvalidValue("device", "there", name, "This machine has no CUDA device: use cpu or auto.")
    return device


def in_precision(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Returns the context of a step: bfloat16 where tensor cores gain from it, else plain float32."""
    if precision == "bfloat16" and device.type == "cuda":
        return _bfloat16()
    return nullcontext()


@contextmanager
def _bfloat16() -> Iterator[None]:
    # cuDNN's attention, torch's first choice here, plans anew for each length of timelines it meets: a step
    # of SASRec took 69 ms on an H200, and takes 7 with the others.
    with (
        torch.autocast("cuda", dtype=torch.bfloat16),
        sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]),
    ):
        yield


def to_device(batch: Any, device: torch.device) -> Any:
    """Returns a batch (tensors in tuples, lists and dicts) on the device; arrays become tensors."""
    if isinstance(batch, torch.Tensor):
        return _moved(batch, device)
    if isinstance(batch, np.ndarray):
        return _moved(torch.from_numpy(batch), device)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copies to a GPU from pinned memory, so that the next batch is cut while this one travels."""
    here = tensor.pin_memory() if device.type == "cuda" and tensor.device.type == "cpu" else tensor
    return here.to(device, non_blocking=True)
