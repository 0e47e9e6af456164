"""NextItem and its presets as a graph: all that hangs on the item alone is a table, made beforehand."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph, Input, newest
from recsmith.models.neural.next_item import NextItem
from recsmith.models.neural.next_item_config import ITEM_ID, USER_ID
from recsmith.models.neural.next_item_features import EVENT
from recsmith.models.neural.next_item_net import ActivityGroup, GlobalGroup, NextItemNet
from recsmith.nn.event_embedding import FeatureShape

_HISTORY = 200  # events that go in at least: they are kept from coming back even where the net reads fewer


class NextItemGraph(DeviceGraph):
    """Reads the newest `context_length` events as the network does and multiplies with the item vectors.

    One table serves the input and the scores where the network shares it.
    """

    known_I: Tensor | None

    def __init__(self, model: NextItem, *, history_length: int | None = None) -> None:
        super().__init__()
        self.context_length = model.config.context_length
        self.history_length = history_length or max(self.context_length, _HISTORY)
        self.n_items = len(model.memory.items)
        self.score_meaning = "logit: the product of the person's vector and the item's"
        net: NextItemNet = copy.deepcopy(model.net).cpu().eval()
        by_id_ID = net.items.ids.weight.detach()[1:]
        vector_ID = torch.from_numpy(model._item_ID)
        self.item_ID = nn.Parameter(vector_ID.clone(), requires_grad=False)
        shared_ID = (
            self.item_ID if torch.equal(by_id_ID, vector_ID) else nn.Parameter(by_id_ID.clone(), False)
        )
        activity, person = cast(list[ActivityGroup], net.activity), cast(list[GlobalGroup], net.person)
        self.groups = nn.ModuleList(EventGroup(g, shared_ID, self.n_items) for g in activity)
        self.people = nn.ModuleList(Person(g) for g in person)
        self.head = net.head
        bias_I = torch.from_numpy(model._bias_I)
        known_I = torch.isfinite(bias_I)
        self.bias_I = nn.Parameter(bias_I.clone(), False) if bias_I[known_I].any() else None
        # A byte an item: where nothing but "never" is said, numbers would be four.
        self.register_buffer("known_I", None if self.bias_I is not None or known_I.all() else known_I)
        self._spaces = model._spaces
        self.extra_inputs = self._inputs(activity, person)

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns float32 [B, I]."""
        assert self.context_length is not None
        there_BH = history_BH >= 0
        item_BL = newest(history_BH, there_BH, self.context_length, filler=-1)
        events = {
            name: newest(values, there_BH, self.context_length)
            for name, values in inputs.items()
            if name.startswith("event_")
        }
        parts = [group(item_BL, events) for group in self.groups]
        stranger_B1 = history_BH[:, :1] * 0  # a len() would fix the batch
        parts += [person(inputs, stranger_B1) for person in self.people]
        context_BD = self.head(parts[0] if len(parts) == 1 else torch.cat(parts, -1))
        score_BI = context_BD @ self.item_ID.T
        if self.known_I is not None:
            return torch.where(self.known_I, score_BI, -torch.inf)
        return score_BI if self.bias_I is None else score_BI + self.bias_I

    def features(self) -> Mapping[str, object]:
        """Returns the columns of events and people that are read."""
        named = {"event": self._spaces.event, "person": self._spaces.user}
        return {source: space.to_dict() for source, space in named.items() if space.columns}

    def _inputs(self, activity: list[ActivityGroup], person: list[GlobalGroup]) -> tuple[Input, ...]:
        shapes = {s.name: s for g in activity for s in g.embedding.features if s.name in EVENT}
        of_people = {s.name: s for g in person for s in g.embedding.features if s.name != USER_ID}
        found = []
        for source, wanted in (("event", shapes), ("person", of_people)):
            for shape in wanted.values():
                lead = (self.history_length,) if source == "event" else ()
                found.append(_input(shape, source, lead, self._spaces.column(shape.name).length))
        return tuple(found)


def _input(shape: FeatureShape, source: str, lead: tuple[int, ...], length: int) -> Input:
    """Returns how a feature goes in: codes [.., M], or a scaled number."""
    of_whom = "each event" if source == "event" else "the person"
    return Input(
        f"{source}_{shape.name}",
        "int32" if shape.dim else "float32",
        (*lead, length) if shape.dim else lead,
        f"{shape.name} of {of_whom}: " + ("codes, 0 is unknown" if shape.dim else "scaled, 0 is unknown"),
        "event" if source == "event" else "person",
        feature=shape.name,
        part="codes" if shape.dim else "value",
    )


class EventGroup(nn.Module):
    """Reads a group of event features with its encoder; features of the item are one table each."""

    def __init__(self, group: ActivityGroup, shared_ID: nn.Parameter, n_items: int) -> None:
        super().__init__()
        self.encoder, self.inward = group.encoder, group.inward
        self.features, self.tables = group.embedding.features, group.embedding.tables
        self.of_item = nn.ParameterDict()
        row_I = torch.arange(1, n_items + 1)
        for place, feature in enumerate(self.features):
            if feature.name in EVENT:
                continue
            if feature.shared:
                self.of_item[f"t{place}"] = shared_ID
                continue
            codes = row_I if feature.name == ITEM_ID else getattr(group, f"of_{feature.name}")[1:]
            with torch.no_grad():
                if feature.dim:
                    table = group.embedding.tables[f"t{place}"](codes.view(n_items, -1))
                else:
                    table = codes.view(n_items, 1)
            self.of_item[f"t{place}"] = nn.Parameter(table.to(torch.float32), requires_grad=False)

    def forward(self, item_BL: Tensor, events: Mapping[str, Tensor]) -> Tensor:
        """Returns [B, E]."""
        mask_BL = item_BL >= 0
        row_BL = item_BL.clamp(min=0)
        parts = []
        for place, feature in enumerate(self.features):
            key = f"t{place}"
            if feature.name not in EVENT:
                parts.append(functional.embedding(row_BL, self.of_item[key]))
            elif feature.dim:
                parts.append(self.tables[key](events[f"event_{feature.name}"]))
            else:
                parts.append(events[f"event_{feature.name}"].unsqueeze(-1))
        x_BLD = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
        if self.inward is not None:
            x_BLD = self.inward(x_BLD)
        vector_BE: Tensor = self.encoder.last(x_BLD * mask_BL.unsqueeze(2), mask_BL)
        return vector_BE


class Person(nn.Module):
    """Reads what is known of a person whom training has not seen; the id is the unknown one."""

    def __init__(self, group: GlobalGroup) -> None:
        super().__init__()
        self.embedding = group.embedding

    def forward(self, inputs: Mapping[str, Tensor], stranger_B1: Tensor) -> Tensor:
        """Returns [B, G]; the code of a stranger is 0."""
        given = {
            feature.name: stranger_B1 if feature.name == USER_ID else inputs[f"person_{feature.name}"]
            for feature in self.embedding.features
        }
        about_BG: Tensor = self.embedding(given)
        return about_BG


@graph_of.register
def _(model: NextItem) -> NextItemGraph:
    return NextItemGraph(model)
