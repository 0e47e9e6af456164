"""Smaller .pte files: large tables as float16 or int8, which each call makes floats of again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from recsmith.export.manifest import Quantize

_SMALL = 256  # numbers: tables below stay as they are
_INT8 = 127


class Stored(nn.Module):
    """Is a net whose large float tables are stored otherwise; int8 has a scale a row. Sums stay in float32.

    A call pays for its smaller file by making the tables floats: O(numbers).
    """

    def __init__(self, net: nn.Module, quantize: Quantize) -> None:
        super().__init__()
        self._net = [net]  # not a part, or its own tables would go into the file too
        self._place: dict[str, str] = {}
        self._small: dict[str, str] = {}
        for name, tensor in (*net.named_parameters(), *net.named_buffers()):
            own = name.replace(".", "__")
            if tensor.dtype != torch.float32 or tensor.dim() < 2 or tensor.numel() < _SMALL:
                self._place[name] = own
                self.register_buffer(own, tensor.detach())
                continue
            self._small[name] = own
            values = tensor.detach()
            if quantize == "fp16":
                limits = torch.finfo(torch.float16)
                self.register_buffer(own, values.clamp(limits.min, limits.max).to(torch.float16))
                continue
            others = [axis for axis in range(values.dim()) if axis != values.dim() - 2]
            scale = values.abs().amax(others, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / _INT8
            self.register_buffer(own, torch.round(values / scale).to(torch.int8))
            self.register_buffer(f"{own}__scale", scale)

    def forward(self, **inputs: Tensor) -> Any:
        """Returns what the net returns."""
        tables = {name: self.get_buffer(own) for name, own in self._place.items()}
        for name, own in self._small.items():
            table = self.get_buffer(own).to(torch.float32)
            scale = self._buffers.get(f"{own}__scale")
            tables[name] = table if scale is None else table * scale
        return functional_call(self._net[0], tables, (), inputs)
