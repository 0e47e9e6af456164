"""EmbeddingDot and EmbeddingDotBias: a rating is the product of two vectors (fast.ai's course, lesson 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recsmith.models.neural.embedding_model import EmbeddingConfig, EmbeddingModel, Pairs


class EmbeddingDotConfig(EmbeddingConfig):
    """Settings of `EmbeddingDot`."""


class EmbeddingDotBiasConfig(EmbeddingConfig):
    """Settings of `EmbeddingDotBias`."""


class DotPairs(Pairs):
    """Rates by u·v above the mean rating."""

    def __init__(self, n_users: int, n_items: int, *, dim: int, scale: float, mean: float) -> None:
        super().__init__(n_users, n_items, user_width=dim, item_width=dim, scale=scale)
        self.register_buffer("mean", torch.tensor(mean))

    def rate(self, user_NP: Tensor, item_NQ: Tensor) -> Tensor:
        """Returns μ + u·v, [N]."""
        return self.get_buffer("mean") + (user_NP * item_NQ).sum(-1)


class DotBiasPairs(Pairs):
    """Rates by σ(u·v + b_u + b_v), stretched over the range of ratings; the last column is the bias."""

    def __init__(
        self, n_users: int, n_items: int, *, dim: int, scale: float, low: float, high: float
    ) -> None:
        super().__init__(n_users, n_items, user_width=dim + 1, item_width=dim + 1, scale=scale)
        self.register_buffer("low", torch.tensor(low))
        self.register_buffer("span", torch.tensor(high - low))

    def rate(self, user_NP: Tensor, item_NQ: Tensor) -> Tensor:
        """Returns low + (high − low)·σ(u·v + b_u + b_v), [N]."""
        product_N = (user_NP[:, :-1] * item_NQ[:, :-1]).sum(-1) + user_NP[:, -1] + item_NQ[:, -1]
        return self.get_buffer("low") + self.get_buffer("span") * product_N.sigmoid()


class EmbeddingDot(EmbeddingModel):
    """Predicts μ + u·v: the plainest factor model, by gradient descent."""

    Config = EmbeddingDotConfig
    config: EmbeddingDotConfig

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        memory, settings = self.memory, self.config
        return DotPairs(
            len(memory.users),
            len(memory.items),
            dim=settings.embedding_dim,
            scale=settings.init_scale,
            mean=learned["mean"],
        )


class EmbeddingDotBias(EmbeddingModel):
    """Predicts with biases of user and item, held within the rating range by a sigmoid."""

    Config = EmbeddingDotBiasConfig
    config: EmbeddingDotBiasConfig

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        memory, settings = self.memory, self.config
        low, high = learned["range"]
        return DotBiasPairs(
            len(memory.users),
            len(memory.items),
            dim=settings.embedding_dim,
            scale=settings.init_scale,
            low=low,
            high=high,
        )
