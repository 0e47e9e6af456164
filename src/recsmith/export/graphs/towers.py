"""Graphs of the two-tower models: the person's tower on the device, the items' as a table."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.export.graphs.events import Events
from recsmith.export.graphs.inputs import Person
from recsmith.models.neural.inputs import Spaces
from recsmith.models.neural.tower_model import TowerModel

HISTORY = 200
"""H at least: what has been seen is kept from coming back even where the tower reads fewer events."""


class TowerGraph(DeviceGraph):
    """Scores by the product of the person's vector and each item's.

    Where the tower reads no history, a stranger is the mean of the vectors of their items.
    """

    item_ID: Tensor

    def __init__(self, model: TowerModel) -> None:
        super().__init__()
        settings, towers = model.config, model.towers
        self.n_items = len(model.memory.items)
        self.score_meaning = "cosine" if settings.normalised else "product of two vectors"
        self.register_buffer("item_ID", torch.from_numpy(model.item_ID).clone())
        self.normalised = settings.normalised
        self.history_length = max(HISTORY, settings.history_length)
        self.reads_history = settings.history_length > 0
        if self.reads_history:
            self.context_length = settings.history_length
            self.person = Person(
                towers.users,
                towers.items,
                towers.context,
                Spaces.of_dict(model.learned),
                settings,
                n_items=self.n_items,
            )
            self.tower = copy.deepcopy(towers.user_mlp).cpu().eval()
            self.extra_inputs, self.request_time = self.person.inputs, self.person.request_time

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the products with all items."""
        if not self.reads_history:
            events = Events.of(history_BH)
            sum_BD = (
                events.last_BH.unsqueeze(1) @ functional.embedding(events.row_BH, self.item_ID)
            ).squeeze(1)
            return (sum_BD / events.n_distinct_B1.clamp(min=1)) @ self.item_ID.T
        person_BD = self.tower(torch.cat(self.person(history_BH, inputs), -1))
        if self.normalised:
            person_BD = functional.normalize(person_BD, dim=-1)
        return person_BD @ self.item_ID.T

    def features(self) -> Mapping[str, object]:
        """Returns the columns of the person and the request that are read."""
        return self.person.features if self.reads_history else {}


@graph_of.register
def _(model: TowerModel) -> DeviceGraph:
    return TowerGraph(model)
