"""Experts shared between tasks by gates: MMoE (Ma et al., KDD 2018) and PLE (Tang et al., RecSys 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from recsmith.nn.mlp import MLP


class GatedExperts(nn.Module):
    """Is MMoE: E experts all tasks share, a softmax gate for each task, a tower and a logit each."""

    def __init__(
        self,
        width: int,
        *,
        n_tasks: int,
        n_experts: int,
        expert_dims: Sequence[int],
        tower_dims: Sequence[int],
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleList(MLP(width, expert_dims) for _ in range(n_experts))
        self.gates = nn.ModuleList(nn.Linear(width, n_experts, bias=False) for _ in range(n_tasks))
        self.towers = nn.ModuleList(
            MLP(expert_dims[-1], [*tower_dims, 1], last_linear=True) for _ in range(n_tasks)
        )

    def forward(self, x_BW: Tensor) -> Tensor:
        """Returns the logits [B, T]."""
        expert_BED = torch.stack([expert(x_BW) for expert in self.experts], 1)
        mixed = [_mix(gate(x_BW), expert_BED) for gate in self.gates]
        return torch.cat([tower(m) for tower, m in zip(self.towers, mixed, strict=True)], -1)


class ProgressiveExperts(nn.Module):
    """Is PLE: at each level every task has experts of its own beside the shared ones; its gate sees both."""

    def __init__(
        self,
        width: int,
        *,
        n_tasks: int,
        n_experts: int,
        n_levels: int,
        expert_dims: Sequence[int],
        tower_dims: Sequence[int],
    ) -> None:
        super().__init__()
        widths = [width] + [expert_dims[-1]] * (n_levels - 1)
        self.levels = nn.ModuleList(
            _Level(w, n_tasks, n_experts, expert_dims, last=place == n_levels - 1)
            for place, w in enumerate(widths)
        )
        self.towers = nn.ModuleList(
            MLP(expert_dims[-1], [*tower_dims, 1], last_linear=True) for _ in range(n_tasks)
        )

    def forward(self, x_BW: Tensor) -> Tensor:
        """Returns the logits [B, T]."""
        own, shared = [x_BW] * len(self.towers), x_BW
        for level in self.levels:
            own, shared = level(own, shared)
        return torch.cat([tower(x) for tower, x in zip(self.towers, own, strict=True)], -1)


class _Level(nn.Module):
    """Is one extraction level; the last one has no gate for the shared part, for nothing reads it."""

    def __init__(
        self, width: int, n_tasks: int, n_experts: int, expert_dims: Sequence[int], *, last: bool
    ) -> None:
        super().__init__()
        groups = n_tasks + 1  # each task's own, then the shared
        self.experts = nn.ModuleList(
            nn.ModuleList(MLP(width, expert_dims) for _ in range(n_experts)) for _ in range(groups)
        )
        self.gates = nn.ModuleList(nn.Linear(width, 2 * n_experts, bias=False) for _ in range(n_tasks))
        self.shared_gate = None if last else nn.Linear(width, groups * n_experts, bias=False)

    def forward(self, own: list[Tensor], shared: Tensor) -> tuple[list[Tensor], Tensor]:
        inputs = [*own, shared]
        out = [
            torch.stack([expert(x) for expert in cast(nn.ModuleList, experts)], 1)
            for experts, x in zip(self.experts, inputs, strict=True)
        ]
        tasks = [
            _mix(gate(x), torch.cat([o, out[-1]], 1))
            for gate, x, o in zip(self.gates, own, out, strict=False)
        ]
        if self.shared_gate is None:
            return tasks, shared
        return tasks, _mix(self.shared_gate(shared), torch.cat(out, 1))


def _mix(gate_BE: Tensor, expert_BED: Tensor) -> Tensor:
    """Returns Σ_e softmax(gate)_e · expert_e, [B, D]."""
    return torch.einsum("be,bed->bd", gate_BE.softmax(-1), expert_BED)
