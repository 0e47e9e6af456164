"""DCN: deep and cross network, all its versions (Wang et al., DCN V2: Improved deep & cross network and
practical lessons for web-scale learning to rank systems, WWW 2021)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from recsmith.errors import InvalidValue
from recsmith.models.capabilities import CrossesFeatures
from recsmith.models.neural.ranker import Ranker, RankerConfig, RankerInput
from recsmith.nn.cross import CrossMatrix, CrossMixture, CrossNet
from recsmith.nn.mlp import MLP
from recsmith.types import FloatArray


class DCNConfig(RankerConfig):
    """Settings of `DCN`."""

    version: Literal["v1", "v2", "mix"] = "v2"
    """v1: a vector a layer; v2: a matrix; mix: a gated mixture of low-rank experts."""
    n_cross_layers: int = Field(1, ge=1)
    """Cross layers: the l-th makes products of l + 1 features."""
    rank: int | None = Field(None, ge=1)
    """Rank of the matrices: full for v2, a quarter of the width for mix, when not given."""
    n_experts: int = Field(4, ge=1)
    """Experts of mix."""
    structure: Literal["stacked", "parallel", "cross"] = "stacked"
    """The dense layers behind the cross network, beside it, or none."""
    deep_dims: tuple[int, ...] = (192, 192)
    """Dense layers."""


class DCNBody(nn.Module):
    """Is a cross network with dense layers behind or beside it, and a linear output."""

    def __init__(self, width: int, settings: DCNConfig) -> None:
        super().__init__()
        self.cross = CrossNet(
            width,
            version=settings.version,
            n_layers=settings.n_cross_layers,
            rank=settings.rank,
            n_experts=settings.n_experts,
        )
        deep = settings.structure != "cross" and len(settings.deep_dims) > 0
        self.deep = MLP(width, settings.deep_dims, dropout=settings.dropout) if deep else None
        self.parallel = settings.structure == "parallel"
        n_last = width if self.deep is None else self.deep.width + self.parallel * width
        self.last = nn.Linear(n_last, 1)

    def forward(self, x_BW: Tensor) -> Tensor:
        crossed = self.cross(x_BW)
        if self.deep is None:
            final = crossed
        elif self.parallel:
            final = torch.cat([crossed, self.deep(x_BW)], -1)
        else:
            final = self.deep(crossed)
        return torch.squeeze(self.last(final), -1)


class DCN(Ranker, CrossesFeatures):
    """Learns explicit crosses of features beside implicit ones."""

    Config = DCNConfig
    config: DCNConfig

    def _body(self, inputs: RankerInput) -> nn.Module:
        return DCNBody(inputs.width, self.config)

    def feature_crosses(self) -> tuple[list[str], FloatArray]:
        """Returns the features' names and how much each pair matters, float32 [F, F].

        Entry (i, j) is the Frobenius norm of the first cross layer's block from feature j to feature i,
        divided by √(rows · columns). Raises `InvalidValue` for v1, whose layers have no matrix.
        """
        body, inputs = self.net.body, self.net.inputs
        assert isinstance(body, DCNBody)
        first = body.cross.layers[0]
        if not isinstance(first, CrossMatrix | CrossMixture):
            raise InvalidValue("version", "'v2' or 'mix' for feature crosses", self.config.version)
        with torch.no_grad():
            squares = first.matrix().square().cpu().double().numpy()
        edges = np.cumsum([0, *inputs.widths])[:-1]
        sums = np.add.reduceat(np.add.reduceat(squares, edges, axis=0), edges, axis=1)
        sizes = np.outer(inputs.widths, inputs.widths)
        return list(inputs.names), np.sqrt(sums / sizes).astype(np.float32)
