"""What towers and rankers read of a person and a request, as inputs of a graph."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.data.feature_space import Column, FeatureSpace, time_parts
from recsmith.errors import InvalidValue, Shown
from recsmith.export.graphs.base import Input
from recsmith.models.neural.inputs import VALUE, FeatureConfig, Spaces, arrays
from recsmith.nn.event_embedding import FeatureShape, FeatureTable, GroupEmbedding
from recsmith.nn.side import Side

Where = Literal["person", "context"]


class Known(nn.Module):
    """Embeds what is told of a person or a request, feature by feature.

    On a device a person has no row in the users' table: who tells nothing is the unknown user. A request that
    names no time takes place when training ended.
    """

    def __init__(self, embed: GroupEmbedding, where: Where, space: FeatureSpace, *, newest: int) -> None:
        super().__init__()
        self.shapes = embed.features
        self.tables = nn.ModuleDict()
        columns = {column.name: column for column in space.columns}
        told = (
            arrays(space, time_parts(np.array([newest])), unknown_first=False) if where == "context" else {}
        )
        self.inputs: tuple[Input, ...] = ()
        for place, shape in enumerate(embed.features):
            column = columns.get(shape.name.removesuffix(VALUE))
            table = embed.tables[f"t{place}"] if shape.dim else None
            if column is None:  # the id: of all its table, the unknown one's vector alone goes along
                assert isinstance(table, FeatureTable)
                self.register_buffer(f"unknown{place}", table.table.weight[:1].detach().clone())
                continue
            if table is not None:
                self.tables[f"t{place}"] = copy.deepcopy(table)
            default = float(np.ravel(told[shape.name])[0]) if shape.name in told else 0.0
            self.inputs += (_input(shape, where, column, default),)

    def forward(self, inputs: Mapping[str, Tensor], batch: int) -> Tensor:
        """Returns [B, width]."""
        parts, given = [], iter(self.inputs)
        for place, shape in enumerate(self.shapes):
            key = f"t{place}"
            if shape.dim and key not in self.tables:
                parts.append(self.get_buffer(f"unknown{place}").expand(batch, -1))
                continue
            value = inputs[next(given).name]
            parts.append(self.tables[key](value) if shape.dim else value.unsqueeze(-1))
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)


def _input(shape: FeatureShape, where: Where, column: Column, default: float) -> Input:
    of_whom = "the person" if where == "person" else "the request"
    if shape.dim:
        meaning = f"{column.name} of {of_whom}: codes, 0 is unknown"
        name, dims = f"{where}_{column.name}", (column.length,)
        return Input(name, "int32", dims, meaning, where, column.name, "codes", default)
    meaning = f"{column.name} of {of_whom}: scaled, 0 is unknown"
    return Input(f"{where}_{column.name}_value", "float32", (), meaning, where, column.name, "value", default)


def _described(space: FeatureSpace) -> dict[str, object]:
    """Returns how a value becomes codes; how much a word weighs is in the graph already."""
    for column in space.columns:
        if column.hashes:
            raise InvalidValue(
                f"{column.name} of people", "a text whose words the file can name", Shown("hashed words")
            )
    return FeatureSpace(tuple(replace(column, idf=()) for column in space.columns)).to_dict()


class Person(nn.Module):
    """Gives the parts of a person and a request in the order in which towers and rankers read them.

    `item_IW` is what the item side knows of each item; the newest `history_length` of a history enter as
    their mean.
    """

    item_IW: Tensor

    def __init__(
        self,
        users: Side,
        items: Side,
        context: GroupEmbedding | None,
        spaces: Spaces,
        settings: FeatureConfig,
        *,
        n_items: int,
    ) -> None:
        super().__init__()
        self.known = nn.ModuleList()
        if users.width:
            self.known.append(Known(users.embed, "person", spaces.users, newest=spaces.newest))
        if context is not None:
            self.known.append(Known(context, "context", spaces.context, newest=spaces.newest))
        self.n_newest = settings.history_length
        with torch.no_grad():
            items.eval()
            self.register_buffer("item_IW", items(torch.arange(1, n_items + 1)).contiguous())
        self.inputs: tuple[Input, ...] = tuple(i for known in self.known for i in known.inputs)  # type: ignore
        """What is told beside the history."""
        self.request_time = spaces.newest if context is not None else None
        told: set[str] = {i.source for i in self.inputs}
        self.features: dict[str, object] = {
            source: _described(space)
            for source, space in (("person", spaces.users), ("context", spaces.context))
            if source in told
        }

    def forward(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Returns parts of [B, …]."""
        parts = [known(inputs, history_BH.shape[0]) for known in self.known]
        if self.n_newest:
            parts.append(self.mean(history_BH))
        return parts

    def mean(self, history_BH: Tensor) -> Tensor:
        """Returns [B, width]: the mean over the newest items, with repeats; zero where there are none."""
        there_BH = history_BH >= 0
        n_B1 = there_BH.sum(1, keepdim=True)
        late_BH = torch.arange(history_BH.shape[1]) >= n_B1 - self.n_newest
        counts_BH = (there_BH & late_BH).to(torch.float32)
        share_BH = counts_BH / counts_BH.sum(1, keepdim=True).clamp(min=1)
        row_BH = history_BH.clamp(min=0).to(torch.int64)
        return (share_BH.unsqueeze(1) @ functional.embedding(row_BH, self.item_IW)).squeeze(1)
