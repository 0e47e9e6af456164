"""A stack of dense layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """Is Linear → ReLU (→ dropout) for each of `dims`; with `last_linear` the last layer is left linear."""

    def __init__(
        self, n_in: int, dims: Sequence[int], *, dropout: float = 0.0, last_linear: bool = False
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = n_in
        for place, dim in enumerate(dims):
            layers.append(nn.Linear(width, dim))
            if not (last_linear and place == len(dims) - 1):
                layers.append(nn.ReLU())
                if dropout:
                    layers.append(nn.Dropout(dropout))
            width = dim
        self.layers = nn.Sequential(*layers)
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out
