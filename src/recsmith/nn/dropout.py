"""Dropout whose mask costs an eighth of a random number for each element, to the nearest 1/256."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recsmith.errors import InvalidValue


class Dropout(nn.Module):
    """Is dropout (Srivastava et al., JMLR 2014); on a CPU the bytes of a random integer decide eight each.

    `nn.Dropout` draws a Bernoulli number for each element, one after the other: an eighth of a step's time.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise InvalidValue("dropout", "0 or more and below 1", p)
        self.p = p
        self._threshold = round(p * 256)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self._threshold:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.p, training=True)
        n = x.numel()
        words = torch.empty((n + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[:n].view(x.shape) >= self._threshold
        return x * kept * (256 / (256 - self._threshold))
