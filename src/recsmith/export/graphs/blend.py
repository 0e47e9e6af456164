"""Graph of a blend: its members' graphs, their scores made comparable, and the weighted sum."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from recsmith.errors import InvalidValue, Shown
from recsmith.export.graphs import express, graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.models.pipeline import Blend
from recsmith.models.pipeline.comparable import FLAT

_LEAST = torch.finfo(torch.float32).min


class BlendGraph(DeviceGraph):
    """Adds up standard scores; what nobody took is scored by the members that know it."""

    score_meaning = "weighted sum of standard scores"
    cold_I: Tensor

    def __init__(self, model: Blend) -> None:
        super().__init__()
        if model.config.scale != "standard":
            got = Shown(f"scale {model.config.scale!r}")
            raise InvalidValue("Blend", "of standard scores, for a device: it cannot rank all items", got)
        self.members = nn.ModuleList(express(member) for member in model.members)
        graphs = self.graphs
        if any(graph.extra_inputs for graph in graphs):
            got = Shown(
                ", ".join(
                    type(m).__name__ for m, g in zip(model.members, graphs, strict=True) if g.extra_inputs
                )
            )
            raise InvalidValue("Blend's members", "models that read the history alone, for a device", got)
        self.weights = model.weight_M.tolist()
        self.n_items = len(model.memory.items)
        self.history_length = max(graph.history_length for graph in graphs)
        self.reads_weight = any(graph.reads_weight for graph in graphs)
        self.register_buffer("cold_I", torch.from_numpy(model.memory.popularity == 0))

    @property
    def graphs(self) -> list[DeviceGraph]:
        """The members' graphs."""
        return [graph for graph in self.members if isinstance(graph, DeviceGraph)]

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns Σ w s, as the model's `_score`."""
        seen_BI = self._seen(history_BH)
        total_BI, told_BI = torch.zeros_like(seen_BI), torch.zeros_like(seen_BI)
        known_BI = torch.zeros_like(seen_BI)
        for graph, weight in zip(self.graphs, self.weights, strict=True):
            score_BI = graph.scores(history_BH, inputs)
            there_BI = (score_BI > _LEAST).to(torch.float32)
            scaled_BI = _standard(torch.where(there_BI > 0, score_BI, 0.0), there_BI, seen_BI)
            total_BI = total_BI + weight * torch.where(self.cold_I, scaled_BI * there_BI, scaled_BI)
            told_BI = told_BI + weight * there_BI
            known_BI = torch.maximum(known_BI, there_BI)
        alone_BI = total_BI / torch.where(told_BI > 0, told_BI, 1.0)
        return torch.where(known_BI > 0, torch.where(self.cold_I, alone_BI, total_BI), -torch.inf)

    def _seen(self, history_BH: Tensor) -> Tensor:
        """Returns 1 for items of the history, float32 [B, I]."""
        place_BH = torch.where(history_BH >= 0, history_BH, self.n_items).to(torch.int64)
        none_BI = torch.zeros(1, self.n_items + 1).expand(history_BH.shape[0], -1)
        return none_BI.scatter(1, place_BH, torch.ones_like(place_BH, dtype=torch.float32))[:, : self.n_items]


def _standard(value_BI: Tensor, known_BI: Tensor, seen_BI: Tensor) -> Tensor:
    """Returns the scores less the mean of the unseen that are known, over their deviation."""
    unseen_BI = known_BI * (1 - seen_BI)
    shaping_BI = torch.where(unseen_BI.sum(1, keepdim=True) > 0, unseen_BI, known_BI)
    count_B1 = shaping_BI.sum(1, keepdim=True).clamp(min=1)
    off_BI = value_BI - (value_BI * shaping_BI).sum(1, keepdim=True) / count_B1
    deviation_B1 = ((off_BI * off_BI * shaping_BI).sum(1, keepdim=True) / count_B1).sqrt()
    flat_B1 = deviation_B1 <= FLAT * value_BI.abs().amax(1, keepdim=True)
    scaled_BI = torch.where(flat_B1, 0.0, off_BI / torch.where(flat_B1, 1.0, deviation_B1))
    lowest_B1 = torch.where(shaping_BI > 0, scaled_BI, torch.inf).amin(1, keepdim=True)
    lowest_B1 = torch.where(lowest_B1 < torch.inf, lowest_B1, 0.0)
    return torch.where(known_BI > 0, scaled_BI, lowest_B1)


@graph_of.register
def _(model: Blend) -> DeviceGraph:
    return BlendGraph(model)
