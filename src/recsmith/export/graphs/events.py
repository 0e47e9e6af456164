"""What graphs make of a history: how often, how long ago, and a row with a column for every item."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Events:
    """Holds right-padded histories as the linear models read them: an item taken twice is one item.

    Each item stands at its last event; the events before it count nothing.
    """

    row_BH: Tensor
    """int64 catalogue rows; 0 for padding."""
    there_BH: Tensor
    """float32: 1 for events, 0 for padding."""
    last_BH: Tensor
    """float32: 1 where an item is taken for the last time."""
    total_BH: Tensor
    """float32: the weights of all events of the item, added up; 0 for padding."""
    times_BH: Tensor
    """float32: how often the item was taken; 0 for padding."""

    @classmethod
    def of(cls, history_BH: Tensor, weight_BH: Tensor | None = None) -> Events:
        """Returns the events of histories; weights are 1 when not given. O(B·H²) comparisons."""
        length = history_BH.shape[1]
        there_BH = (history_BH >= 0).to(torch.float32)
        same_BHH = (history_BH.unsqueeze(2) == history_BH.unsqueeze(1)).to(torch.float32)
        later_HH = torch.triu(torch.ones(length, length), diagonal=1)
        again_BH = (same_BHH * later_HH).sum(2)
        times_BH = same_BHH.sum(2) * there_BH
        total_BH = times_BH
        if weight_BH is not None:
            total_BH = (same_BHH * (weight_BH * there_BH).unsqueeze(1)).sum(2) * there_BH
        return cls(
            history_BH.clamp(min=0).to(torch.int64),
            there_BH,
            (again_BH == 0).to(torch.float32) * there_BH,
            total_BH,
            times_BH,
        )

    @property
    def n_distinct_B1(self) -> Tensor:
        """The number of different items, float32."""
        return self.last_BH.sum(1, keepdim=True)

    def since_BH(self) -> Tensor:
        """Returns how many events came after each, float32; of padding, something below 0."""
        places_H = torch.arange(self.row_BH.shape[1], dtype=torch.float32)
        return self.there_BH.sum(1, keepdim=True) - 1 - places_H

    def faded(self, value_BH: Tensor, half_life: float | None) -> Tensor:
        """Returns the values times 2^(−events since / half_life), as they are without half-life."""
        if half_life is None:
            return value_BH
        return value_BH * 0.5 ** (self.since_BH().clamp(min=0) / half_life)

    def dense(self, value_BH: Tensor, n_items: int) -> Tensor:
        """Returns float32 [B, I + 1]: each item's value at its column, 0 elsewhere and in the last column.

        Sets and never adds, which is all that TFLite's scatter can be given: values of padding and of all
        but the last event of an item are not looked at.
        """
        place_BH = torch.where(self.last_BH > 0, self.row_BH, n_items)
        kept_BH = value_BH * self.last_BH
        zero_BC = torch.zeros(1, n_items + 1).expand(value_BH.shape[0], -1)
        return zero_BC.scatter(1, place_BH, kept_BH)
