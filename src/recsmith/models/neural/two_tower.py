"""TwoTower: retrieval by a person's vector and an item's (Yi et al., Sampling-bias-corrected neural modeling
for large corpus item recommendations, RecSys 2019; TensorFlow Recommenders' retrieval task)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from recsmith.models.neural.tower_model import TowerConfig, TowerModel
from recsmith.nn.towers import Towers


class TwoTowerConfig(TowerConfig):
    """Settings of `TwoTower`."""


class TwoTower(TowerModel):
    """Learns both towers so that a person's vector is nearest those of the items taken, by in-batch softmax.

    A step costs O(B·(B + N)·D) beside the towers, for N extra negatives.
    """

    Config = TwoTowerConfig
    config: TwoTowerConfig
    net: Towers

    @property
    def towers(self) -> Towers:
        """The towers are the whole network."""
        return self.net

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        return self._build_towers(learned)

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        return self._retrieval_loss(self.net.people(batch), batch["item"])
