"""Two towers: a vector of a person at a request and a vector of an item, whose product is the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.nn.event_embedding import FeatureShape, GroupEmbedding
from recsmith.nn.mlp import MLP
from recsmith.nn.side import Side


class Towers(nn.Module):
    """Maps people (user row, request, newest items) and items to vectors of one length.

    The history enters as the mean of its items' id and feature vectors, the same that the item tower reads.
    """

    def __init__(
        self,
        users: Side,
        items: Side,
        context: Sequence[FeatureShape],
        *,
        dims: Sequence[int],
        output_dim: int,
        dropout: float,
        with_history: bool,
        normalised: bool,
    ) -> None:
        super().__init__()
        self.users, self.items = users, items
        self.context = GroupEmbedding(context) if context else None
        self.with_history, self.normalised = with_history, normalised
        width = users.width + (self.context.width if self.context else 0) + with_history * items.width
        self.user_mlp = MLP(width, [*dims, output_dim], dropout=dropout, last_linear=True)
        self.item_mlp = MLP(items.width, [*dims, output_dim], dropout=dropout, last_linear=True)

    def people(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns [B, D]."""
        parts = [self.users(batch["user"], batch)] if self.users.width else []
        if self.context is not None:
            parts.append(self.context(batch))
        if self.with_history:
            parts.append(self.items.mean(batch["history"]))
        return self._scaled(self.user_mlp(torch.cat(parts, -1)))

    def things(self, row: Tensor, batch: Mapping[str, Tensor] | None = None) -> Tensor:
        """Returns [..., D] of item rows; a batch may tell features of its rows [B] itself."""
        return self._scaled(self.item_mlp(self.items(row, batch)))

    def _scaled(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors, dim=-1) if self.normalised else vectors
