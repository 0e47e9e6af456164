"""Cross networks: explicit products of features (Wang et al., DCN, ADKDD 2017; DCN V2, WWW 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrossVector(nn.Module):
    """DCN's layer: x_{l+1} = x_0 (x_lᵀ w) + b + x_l. O(B·D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x0_BD: Tensor, x_BD: Tensor) -> Tensor:
        return x0_BD * (x_BD @ self.weight)[:, None] + self.bias + x_BD


class CrossMatrix(nn.Module):
    """DCN-V2's layer: x_{l+1} = x_0 ⊙ (W x_l + b) + x_l; with a rank, W = U Vᵀ. O(B·D²), or O(B·D·rank)."""

    def __init__(self, width: int, *, rank: int | None = None) -> None:
        super().__init__()
        self.down = None if rank is None else nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank or width, width)

    def forward(self, x0_BD: Tensor, x_BD: Tensor) -> Tensor:
        low = x_BD if self.down is None else self.down(x_BD)
        return x0_BD * self.up(low) + x_BD

    def matrix(self) -> Tensor:
        """Returns W [D, D]."""
        return self.up.weight if self.down is None else self.up.weight @ self.down.weight


class CrossMixture(nn.Module):
    """DCN-Mix: x_{l+1} = Σ_k g_k · x_0 ⊙ (U_k tanh(C_k tanh(V_kᵀ x_l)) + b) + x_l, g = softmax(G x_l)."""

    def __init__(self, width: int, *, rank: int, n_experts: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(n_experts, width, rank) * width**-0.5)
        self.core = nn.Parameter(torch.randn(n_experts, rank, rank) * rank**-0.5)
        self.up = nn.Parameter(torch.randn(n_experts, rank, width) * rank**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))
        self.gate = nn.Linear(width, n_experts, bias=False)

    def forward(self, x0_BD: Tensor, x_BD: Tensor) -> Tensor:
        # All experts in one product each way; gates sum to 1, so they may weigh the small side of U_k.
        n_experts, width, rank = self.down.shape
        low_BKR = torch.tanh(x_BD @ self.down.transpose(0, 1).reshape(width, -1)).view(-1, n_experts, rank)
        core_BKR = torch.tanh(torch.einsum("bkr,krs->bks", low_BKR, self.core))
        weighed_BKR = self.gate(x_BD).softmax(-1).unsqueeze(-1) * core_BKR
        return x0_BD * (weighed_BKR.flatten(1) @ self.up.flatten(0, 1) + self.bias) + x_BD

    def matrix(self) -> Tensor:
        """Returns Σ_k U_k C_k V_kᵀ / K: the crosses as they are near x = 0, where tanh is the identity."""
        return torch.einsum("kdr,krs,kse->ed", self.down, self.core, self.up) / len(self.down)


class CrossNet(nn.Module):
    """Is a stack of cross layers; the width stays."""

    def __init__(self, width: int, *, version: str, n_layers: int, rank: int | None, n_experts: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(n_layers):
            if version == "v1":
                layers.append(CrossVector(width))
            elif version == "v2":
                layers.append(CrossMatrix(width, rank=rank))
            else:
                layers.append(CrossMixture(width, rank=rank or max(1, width // 4), n_experts=n_experts))
        self.layers = nn.ModuleList(layers)
        self.width = width

    def forward(self, x0_BD: Tensor) -> Tensor:
        x_BD = x0_BD
        for layer in self.layers:
            x_BD = layer(x0_BD, x_BD)
        return x_BD


def factorization_term(field_BFD: Tensor) -> Tensor:
    """Returns Σ_{i<j} v_i·v_j, [B]: ((Σ v)² − Σ v²) / 2 summed over D (Rendle 2010). O(B·F·D)."""
    return 0.5 * (field_BFD.sum(1).square() - field_BFD.square().sum(1)).sum(-1)
