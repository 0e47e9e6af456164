"""EmbeddingNet: a rating is a small network on two vectors (fast.ai's course, lesson 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from recsmith.models.neural.embedding_model import EmbeddingConfig, EmbeddingModel, Pairs


class EmbeddingNetConfig(EmbeddingConfig):
    """Settings of `EmbeddingNet`."""

    hidden_dims: tuple[int, ...] = (10,)
    """Dense layers on the two vectors."""
    embedding_dropout: float = Field(0.05, ge=0, lt=1)
    """On the vectors."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Behind each dense layer."""


class NetPairs(Pairs):
    """Rates by dense layers on [u, v] and a sigmoid stretched over the range of ratings."""

    def __init__(
        self, n_users: int, n_items: int, settings: EmbeddingNetConfig, low: float, high: float
    ) -> None:
        dim = settings.embedding_dim
        super().__init__(n_users, n_items, user_width=dim, item_width=dim, scale=settings.init_scale)
        layers: list[nn.Module] = [nn.Dropout(settings.embedding_dropout)]
        width = 2 * dim
        for hidden in settings.hidden_dims:
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(settings.dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))
        self.register_buffer("low", torch.tensor(low))
        self.register_buffer("span", torch.tensor(high - low))

    def rate(self, user_NP: Tensor, item_NQ: Tensor) -> Tensor:
        """Returns low + (high − low)·σ(net([u, v])), [N]."""
        logit_N = self.layers(torch.cat([user_NP, item_NQ], -1)).squeeze(-1)
        return self.get_buffer("low") + self.get_buffer("span") * logit_N.sigmoid()


class EmbeddingNet(EmbeddingModel):
    """Predicts by a small network instead of a product."""

    Config = EmbeddingNetConfig
    config: EmbeddingNetConfig

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        low, high = learned["range"]
        return NetPairs(len(self.memory.users), len(self.memory.items), self.config, low=low, high=high)
