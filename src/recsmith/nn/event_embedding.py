"""Feature groups: several features of one thing (an event, an item, a person) side by side as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class FeatureShape:
    """Says how a feature enters: a table of `n_codes` rows of length `dim`, or (dim 0) a number as it is.

    `shared` features use the table that is handed in instead of their own. With `weights`, one for each code,
    0 for code 0 and else 1 or more, a list is the mean of its codes by weight.
    """

    name: str
    n_codes: int = 0
    dim: int = 0
    shared: bool = False
    weights: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """The channels that the feature adds."""
        return self.dim or 1


_MOST_SHARES = 2**22  # numbers in a matrix of shares


def look_up(table: Tensor, code: Tensor) -> Tensor:
    """Returns rows of a table [.., D] for codes [..].

    On a CPU the gradient of `index_select` takes a third of the time that an embedding's takes.
    """
    if torch.compiler.is_compiling() or code.device.type != "cpu":
        return functional.embedding(code, table)
    return table.index_select(0, code.reshape(-1)).view(*code.shape, table.shape[1])


def prepared(values: Tensor, shape: FeatureShape) -> Tensor:
    """Returns the codes of R things (items) in the form that costs least to look up.

    Lists [R, M] of a small vocabulary become shares: a row of [R, n_codes] holds 1/n at each of its n codes
    (or what their weights say), so that the mean of a list is a product of matrices. All else stays as it is.
    """
    if not shape.dim or shape.shared or values.shape[-1] == 1 or len(values) * shape.n_codes > _MOST_SHARES:
        return values
    share = torch.zeros(len(values), shape.n_codes, device=values.device)
    share.scatter_add_(1, values, torch.ones_like(values, dtype=share.dtype))
    share[:, 0] = 0
    if shape.weights:
        share *= torch.tensor(shape.weights, device=values.device)
    return share / share.sum(1, keepdim=True).clamp(min=1)


class FeatureTable(nn.Module):
    """Is an embedding table for codes [..., M]: the mean over the codes that are there.

    With M = 1 code 0 is a value like others (unknown has a vector of its own); in lists it is padding. Lists
    may come as their shares [..., n_codes], see `prepared`. With `weights` the mean is by weight.
    """

    of_code: Tensor | None

    def __init__(self, n_codes: int, dim: int, *, weights: Sequence[float] = ()) -> None:
        super().__init__()
        self.table = nn.Embedding(n_codes, dim)
        nn.init.normal_(self.table.weight, std=dim**-0.5)
        self.register_buffer("of_code", torch.tensor(weights) if weights else None, persistent=False)

    def forward(self, codes_M: Tensor) -> Tensor:
        if codes_M.is_floating_point():
            return codes_M @ self.table.weight
        if codes_M.shape[-1] == 1:
            return look_up(self.table.weight, codes_M.squeeze(-1))
        if self.of_code is not None or torch.compiler.is_compiling():  # plain operators
            there_M = (codes_M != 0) if self.of_code is None else self.of_code[codes_M]
            weight_M = there_M.unsqueeze(-1).to(self.table.weight.dtype)
            return (self.table(codes_M) * weight_M).sum(-2) / weight_M.sum(-2).clamp(min=1)
        rows = codes_M.reshape(-1, codes_M.shape[-1])
        means = functional.embedding_bag(rows, self.table.weight, mode="mean", padding_idx=0)
        return means.view(*codes_M.shape[:-1], means.shape[-1])


class GroupEmbedding(nn.Module):
    """Puts the features of a group side by side, in the order given."""

    def __init__(self, features: Sequence[FeatureShape], *, shared: nn.Embedding | None = None) -> None:
        super().__init__()
        self.features = tuple(features)
        self.tables = nn.ModuleDict(
            {
                f"t{i}": FeatureTable(f.n_codes, f.dim, weights=f.weights)
                for i, f in enumerate(features)
                if f.dim and not f.shared
            }
        )
        self._shared = [shared]  # in a list: the table belongs to the module that hands it in
        self.width = sum(f.width for f in features)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Takes name → codes [..., M] (M is 1 for shared ids), or numbers [...]; returns [..., width]."""
        parts = []
        for place, feature in enumerate(self.features):
            given = inputs[feature.name]
            if not feature.dim:
                parts.append(given.unsqueeze(-1))
            elif feature.shared:
                assert self._shared[0] is not None
                parts.append(look_up(self._shared[0].weight, given.squeeze(-1)))
            else:
                parts.append(self.tables[f"t{place}"](given))
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)
