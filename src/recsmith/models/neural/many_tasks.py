"""MMoE and PLE: several likes at once, each a threshold on the weight, experts shared by gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue, Shown
from recsmith.models.neural.inputs import Spaces
from recsmith.models.neural.ranker import CrossingConfig, Ranker, RankerInput
from recsmith.nn.gates import GatedExperts, ProgressiveExperts
from recsmith.types import CodeArray, FloatArray, Id


class ManyTasksConfig(CrossingConfig):
    """Settings of the models of several binary tasks."""

    tasks: Mapping[str, float] = Field(default_factory=lambda: {"liked": 4.0, "loved": 5.0})
    """Name → the weight from which an event counts as one."""
    task_weights: Mapping[str, float] = Field(default_factory=dict)
    """How much a task counts, in the loss and in the score; 1 where not given."""
    n_experts: int = Field(4, ge=1)
    """Experts all tasks share (MMoE), or of each group (PLE)."""
    expert_dims: tuple[int, ...] = Field((64,), min_length=1)
    """Dense layers of an expert."""
    tower_dims: tuple[int, ...] = (32,)
    """Dense layers of a task's tower."""

    @model_validator(mode="after")
    def _tasks_are_there(self) -> ManyTasksConfig:
        if not self.tasks:
            raise ValueError("tasks must name at least one")
        unknown = set(self.task_weights) - set(self.tasks)
        if unknown:
            raise ValueError(f"task_weights must name tasks, not {', '.join(sorted(unknown))}")
        return self


class ManyTasks(Ranker):
    """Minimises the weighted sum of the tasks' log losses; scores by the weighted mean probability."""

    config: ManyTasksConfig  # type: ignore[assignment]

    def _learn(self, data: Dataset) -> dict[str, Any]:
        weight = data.interactions.weight
        biases = []
        for name, least in self.config.tasks.items():
            share = float((weight >= least).mean())
            if not 0 < share < 1:
                got = Shown(f"weights from {weight.min():g} to {weight.max():g}")
                raise InvalidValue(f"tasks.{name}", "a threshold with events on both sides", got)
            biases.append(float(np.log(share / (1 - share))))
        return {**Spaces.learn(data, self.memory, self.config).to_dict(), "bias": biases}

    def _is_learnt(self, weight_n: np.ndarray) -> np.ndarray:
        return np.ones(len(weight_n), bool)

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        x_BW = self.net.inputs(batch)
        logit_BT = self.net.judged(x_BW)
        least_T = logit_BT.new_tensor(list(self.config.tasks.values()))
        is_BT = (batch["weight"][:, None] >= least_T).float()
        loss_T = functional.binary_cross_entropy_with_logits(logit_BT, is_BT, reduction="none").mean(0)
        return loss_T @ self._weights().to(loss_T) + self._pull(x_BW)

    def _weights(self) -> Tensor:
        return torch.tensor([self.config.task_weights.get(name, 1.0) for name in self.config.tasks])

    def _one_number(self, out: Tensor) -> Tensor:
        weight_T = self._weights().to(out)
        return out.sigmoid() @ weight_T / weight_T.sum()

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        """Returns the weighted mean of the tasks' probabilities."""
        return self._outputs(histories, row_n, item_n)

    def task_probabilities(self, users: Sequence[Id], item_ids: Sequence[Id]) -> dict[str, FloatArray]:
        """Returns each task's probability for each pair of users[j] and item_ids[j]."""
        rows, _ = self.memory.of_users(users)
        asked = self._requests(rows) | {
            "item": torch.from_numpy(self.item_codes(item_ids).astype(np.int64) + 1)
        }
        with torch.no_grad():
            probability_NT = (
                self.net({name: t.to(self.device) for name, t in asked.items()}).sigmoid().cpu().numpy()
            )
        return dict(zip(self.config.tasks, probability_NT.T, strict=True))


class MMoEConfig(ManyTasksConfig):
    """Settings of `MMoE`."""


class PLEConfig(ManyTasksConfig):
    """Settings of `PLE`."""

    n_levels: int = Field(2, ge=1)
    """Extraction levels."""


class MMoE(ManyTasks):
    """Shares all experts between tasks; a gate for each task chooses among them."""

    Config = MMoEConfig
    config: MMoEConfig

    def _body(self, inputs: RankerInput) -> nn.Module:
        settings = self.config
        return GatedExperts(
            inputs.width,
            n_tasks=len(settings.tasks),
            n_experts=settings.n_experts,
            expert_dims=settings.expert_dims,
            tower_dims=settings.tower_dims,
        )


class PLE(ManyTasks):
    """Gives each task experts of its own beside the shared ones, level by level: tasks disturb less."""

    Config = PLEConfig
    config: PLEConfig

    def _body(self, inputs: RankerInput) -> nn.Module:
        settings = self.config
        return ProgressiveExperts(
            inputs.width,
            n_tasks=len(settings.tasks),
            n_experts=settings.n_experts,
            n_levels=settings.n_levels,
            expert_dims=settings.expert_dims,
            tower_dims=settings.tower_dims,
        )
