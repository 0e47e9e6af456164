"""Causal transformers over events: SASRec's block (Kang & McAuley, ICDM 2018) and a gated pre-norm one.

The gated block is LiGR's as eSASRec uses it (Khrylchenko et al. 2025): x + σ(W x) ⊙ f(norm x), SwiGLU inside.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.errors import InvalidValue
from recsmith.nn.dropout import Dropout
from recsmith.nn.encoders import Encoder

BlockKind = Literal["pre", "post", "gated"]


class Attention(nn.Module):
    """Is causal self-attention; events come first in a row, so no event ever sees padding."""

    def __init__(self, dim: int, *, n_heads: int) -> None:
        super().__init__()
        if dim % n_heads:
            raise InvalidValue("n_heads", f"a divisor of the encoder's width, {dim}", n_heads)
        self.n_heads = n_heads
        self.inward, self.outward = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x_BLD: Tensor) -> Tensor:
        n_people, length, dim = x_BLD.shape
        split = self.inward(x_BLD).view(n_people, length, 3, self.n_heads, dim // self.n_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each [B, H, L, D / H]
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.outward(mixed.transpose(1, 2).reshape(n_people, length, dim))


class FeedForward(nn.Module):
    """Is two linear maps with a ReLU between, or SwiGLU when gated."""

    def __init__(self, dim: int, *, width: int, gated: bool) -> None:
        super().__init__()
        self.gated = gated
        self.inward = nn.Linear(dim, 2 * width if gated else width)
        self.outward = nn.Linear(width, dim)

    def forward(self, x_BLD: Tensor) -> Tensor:
        wide = self.inward(x_BLD)
        if not self.gated:
            return self.outward(wide.relu())
        value, gate = wide.chunk(2, -1)
        return self.outward(value * functional.silu(gate))


class Block(nn.Module):
    """Is attention, then a feed-forward net, each beside a way past it."""

    def __init__(self, dim: int, *, n_heads: int, width: int, dropout: float, kind: BlockKind) -> None:
        super().__init__()
        self.kind = kind
        self.parts = nn.ModuleList(
            [Attention(dim, n_heads=n_heads), FeedForward(dim, width=width, gated=kind == "gated")]
        )
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        self.gates = nn.ModuleList([nn.Linear(dim, dim), nn.Linear(dim, dim)] if kind == "gated" else [])
        self.dropout = Dropout(dropout)

    def forward(self, x_BLD: Tensor) -> Tensor:
        x = x_BLD
        for place, (part, norm) in enumerate(zip(self.parts, self.norms, strict=True)):
            if self.kind == "post":
                x = norm(x + self.dropout(part(x)))
                continue
            change = self.dropout(part(norm(x)))
            x = x + (change * self.gates[place](x).sigmoid() if self.kind == "gated" else change)
        return x


class Transformer(Encoder):
    """Is √D times the events plus position vectors (counted from the oldest), blocks, and a last norm.

    The factor is the paper's: item vectors short enough to be scored by a product would be lost among the
    positions and in what the first block adds. The dropout after the sum is the only one on the events.
    """

    def __init__(
        self,
        dim: int,
        *,
        max_length: int,
        n_blocks: int = 2,
        n_heads: int = 1,
        feedforward: int = 1,
        dropout: float = 0.2,
        block: BlockKind = "pre",
    ) -> None:
        super().__init__()
        self.width, self.max_length, self.scale = dim, max_length, dim**0.5
        self.position = nn.Parameter(torch.zeros(max_length, dim))
        nn.init.normal_(self.position, std=0.02)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(dim, n_heads=n_heads, width=feedforward * dim, dropout=dropout, kind=block)
            for _ in range(n_blocks)
        )
        self.norm = nn.Identity() if block == "post" else nn.LayerNorm(dim)

    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        length = x_BLD.shape[1]
        if length > self.max_length:
            raise InvalidValue("history", f"at most {self.max_length} events long", length)
        mask = mask_BL.unsqueeze(2)
        x = self.dropout(x_BLD * self.scale + self.position[:length]) * mask
        for block in self.blocks:
            x = block(x)
        return self.norm(x) * mask
