"""Popular as a graph: the same scores for everybody."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.models.baseline.popular import Popular


class PopularGraph(DeviceGraph):
    """Gives each item's count, -inf where there is none; the history only keeps its items out."""

    needs_history = False
    count_I: Tensor

    def __init__(self, model: Popular, *, history_length: int = 200) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), history_length
        self.context_length = 0
        self.score_meaning = f"{model.config.count} of the item in training, less for older ones if so set"
        count_I = torch.from_numpy(model.count_I)
        self.register_buffer("count_I", torch.where(count_I > 0, count_I, -torch.inf))

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns float32 [B, I]."""
        nothing_B1 = (history_BH[:, :1] * 0).to(torch.float32)  # ties the answer's batch to the question's
        return self.count_I + nothing_B1


@graph_of.register
def _(model: Popular) -> PopularGraph:
    return PopularGraph(model)
