"""DNN: a plain deep network over the same features, what the others are measured against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recsmith.models.neural.ranker import Ranker, RankerConfig, RankerInput
from recsmith.nn.mlp import MLP


class DNNConfig(RankerConfig):
    """Settings of `DNN`."""

    deep_dims: tuple[int, ...] = (192, 192, 192)
    """Dense layers."""


class DeepBody(nn.Module):
    """Is dense layers and a linear output."""

    def __init__(self, width: int, dims: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.layers = MLP(width, [*dims, 1], dropout=dropout, last_linear=True)

    def forward(self, x_BW: Tensor) -> Tensor:
        return torch.squeeze(self.layers(x_BW), -1)


class DNN(Ranker):
    """Learns crosses of features implicitly, in dense layers."""

    Config = DNNConfig
    config: DNNConfig

    def _body(self, inputs: RankerInput) -> nn.Module:
        return DeepBody(inputs.width, self.config.deep_dims, self.config.dropout)
