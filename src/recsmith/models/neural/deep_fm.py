"""DeepFM: a factorization machine and a deep network on the same vectors (Guo et al., IJCAI 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recsmith.models.neural.ranker import Ranker, RankerConfig, RankerInput
from recsmith.nn.cross import factorization_term
from recsmith.nn.mlp import MLP


class DeepFMConfig(RankerConfig):
    """Settings of `DeepFM`."""

    deep_dims: tuple[int, ...] = (192, 192)
    """Dense layers of the deep part."""


class DeepFMBody(nn.Module):
    """Is a linear part, all products of two fields, and dense layers, added up."""

    def __init__(self, inputs: RankerInput, dims: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self._inputs = [inputs]  # in a list: its weights belong to the network, not to this part
        self.linear = nn.Linear(inputs.width, 1, bias=False)
        self.deep = MLP(inputs.width, [*dims, 1], dropout=dropout, last_linear=True)

    def forward(self, x_BW: Tensor) -> Tensor:
        pairs_B = factorization_term(self._inputs[0].fields(x_BW))
        return torch.squeeze(self.linear(x_BW) + self.deep(x_BW), -1) + pairs_B


class DeepFM(Ranker):
    """Adds explicit products of every two fields to a deep network. Numbers enter linearly and deep only."""

    Config = DeepFMConfig
    config: DeepFMConfig

    def _body(self, inputs: RankerInput) -> nn.Module:
        return DeepFMBody(inputs, self.config.deep_dims, self.config.dropout)
