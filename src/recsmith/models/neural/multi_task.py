"""MultiTask: towers that learn to retrieve and to predict ratings at once (TensorFlow Recommenders' tutorial;
Caruana, Multitask learning, 1997)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from recsmith.data import Histories
from recsmith.errors import InvalidValue, Shown
from recsmith.models.capabilities import PredictsRatings
from recsmith.models.neural.rating_loss import LearnsRatings
from recsmith.models.neural.tower_model import TowerConfig, TowerModel
from recsmith.nn.mlp import MLP
from recsmith.nn.towers import Towers
from recsmith.types import CodeArray, FloatArray


class MultiTaskConfig(TowerConfig, LearnsRatings):
    """Settings of `MultiTask`."""

    retrieval_weight: float = Field(1.0, ge=0)
    """How much the retrieval loss counts."""
    rating_weight: float = Field(1.0, ge=0)
    """How much the loss of ratings counts."""
    rating_dims: tuple[int, ...] = (64, 32)
    """Hidden layers of the rating head."""


class MultiTaskNet(nn.Module):
    """Is the towers, and a head that reads both vectors and says a rating."""

    def __init__(self, towers: Towers, *, width: int, dims: tuple[int, ...], mean: float) -> None:
        super().__init__()
        self.towers = towers
        self.head = MLP(2 * width, [*dims, 1], last_linear=True)
        self.register_buffer("mean", torch.tensor(mean))

    def rating(self, person_BD: Tensor, thing_BD: Tensor) -> Tensor:
        """Returns [B]."""
        return self.get_buffer("mean") + self.head(torch.cat([person_BD, thing_BD], -1)).squeeze(-1)


class MultiTask(TowerModel, PredictsRatings):
    """Minimises retrieval_weight · in-batch softmax + rating_weight · loss of ratings, with shared towers."""

    Config = MultiTaskConfig
    config: MultiTaskConfig
    net: MultiTaskNet

    @property
    def towers(self) -> Towers:
        """The shared towers."""
        return self.net.towers

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        settings = self.config
        if not settings.retrieval_weight and not settings.rating_weight:
            raise InvalidValue("MultiTask's weights", "above 0, at least one of them", Shown("0 and 0"))
        return MultiTaskNet(
            self._build_towers(learned),
            width=settings.output_dim,
            dims=settings.rating_dims,
            mean=self.memory.mean_weight,
        )

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        settings = self.config
        person_BD = self.towers.people(batch)
        loss = person_BD.new_zeros(())
        if settings.retrieval_weight:
            loss = loss + settings.retrieval_weight * self._retrieval_loss(person_BD, batch["item"])
        if settings.rating_weight:
            rating_B = self.net.rating(person_BD, self.towers.things(batch["item"]))
            loss = loss + settings.rating_weight * settings.loss_of(rating_B, batch["weight"])
        return loss

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        person_BD = torch.from_numpy(self._user_vectors(histories)).to(self.device)
        thing_ID = torch.from_numpy(self.item_ID).to(self.device)
        with torch.no_grad():
            rows, items = (
                torch.as_tensor(np.asarray(x, np.int64), device=self.device) for x in (row_n, item_n)
            )
            rating_n = self.net.rating(person_BD[rows], thing_ID[items])
        return np.clip(rating_n.cpu().numpy(), *self.memory.weight_range)
