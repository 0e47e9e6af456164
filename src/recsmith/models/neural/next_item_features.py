"""What NextItem learns of its features: how columns of events, items and people are coded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recsmith.data import Dataset, Feature, Histories
from recsmith.data.dataset import FeatureKind
from recsmith.data.event_table import event_table
from recsmith.data.feature_space import TIME_PARTS, Column, FeatureSpace
from recsmith.errors import InvalidValue, nearest
from recsmith.models.memory import Memory
from recsmith.models.neural.inputs import arrays
from recsmith.models.neural.next_item_config import ITEM_ID, USER_ID, FeatureSettings, NextItemConfig
from recsmith.nn.event_embedding import FeatureShape
from recsmith.nn.side import as_told

EVENT = {"rating": Feature("rating", "number"), "gap": Feature("gap", "number")} | {
    part.name: part for part in TIME_PARTS
}
"""The columns that every log has of its events; those of time are unknown where it has no times."""


class Spaces:
    """Holds the coding of each column in use: of events, of items, of people."""

    def __init__(self, event: FeatureSpace, item: FeatureSpace, user: FeatureSpace) -> None:
        self.event, self.item, self.user = event, item, user

    @classmethod
    def fit(cls, data: Dataset, config: NextItemConfig) -> Spaces:
        """Learns what the settings name; a column that is nowhere is an error with the nearest name."""
        of_events = _distinct(f for group in config.activity_groups for f in group.features)
        of_people = _distinct(f for group in config.global_groups for f in group.features)
        of_label = _distinct(config.label.features)
        item_columns = _columns(data.item_table, ITEM_ID)
        user_columns = _columns(data.user_table, USER_ID)
        for where, wanted, known in (
            ("activity_groups", of_events, (ITEM_ID, *EVENT, *item_columns)),
            ("global_groups", of_people, (USER_ID, *user_columns)),
            ("label", of_label, item_columns),
        ):
            for name in wanted:
                if name not in known:
                    cure = nearest(name, known) or f"There are: {', '.join(known) or 'none'}."
                    raise InvalidValue(f"{where}: a feature's name", "a column of the data", name, cure)
        events = {name: f for name, f in of_events.items() if name in EVENT}
        items = {n: f for n, f in {**of_events, **of_label}.items() if n in item_columns and n not in EVENT}
        people = {name: f for name, f in of_people.items() if name != USER_ID}
        return cls(
            _fit(event_table(data.histories()), events, tuple(EVENT.values())),
            _fit(data.item_table, items, data.item_features),
            _fit(data.user_table, people, data.user_features),
        )

    def shape(self, feature: FeatureSettings, *, label_dim: int, n_items: int, n_users: int) -> FeatureShape:
        """Returns how a feature enters the network."""
        dim = feature.embedding_dim or label_dim
        if feature.name == ITEM_ID:
            shared = feature.shared if feature.shared is not None else dim == label_dim
            if shared and dim != label_dim:
                raise InvalidValue("item_id: shared", f"off, or embedding_dim {label_dim}", dim)
            return FeatureShape(ITEM_ID, n_items + 1, dim, shared=shared)
        if feature.name == USER_ID:
            return FeatureShape(USER_ID, n_users + 1, dim)
        column = self.column(feature.name)
        if feature.type != "float":
            return FeatureShape(feature.name, column.n_codes, dim)
        if not column.has_value:
            raise InvalidValue(
                f"{feature.name}: type", f"int or string for a {column.kind} column", feature.type
            )
        return FeatureShape(feature.name)

    def column(self, name: str) -> Column:
        """Returns the coding of a column by name."""
        return next(
            c for space in (self.event, self.item, self.user) for c in space.columns if c.name == name
        )

    def of_items(self, memory: Memory, shapes: Iterable[FeatureShape]) -> dict[str, Tensor]:
        """Returns name → codes [I, M] or numbers [I] of the catalogue."""
        return self.of_table(memory.catalogue, shapes)

    def of_table(self, table: pl.DataFrame, shapes: Iterable[FeatureShape]) -> dict[str, Tensor]:
        """Returns name → codes [n, M] or numbers [n] of a table with columns of items."""
        return _tensors(self.item, table, shapes)

    def of_people(self, memory: Memory, shapes: Iterable[FeatureShape]) -> dict[str, Tensor]:
        """Returns name → codes [U, M] or numbers [U] of the known people."""
        return _tensors(self.user, memory.people, shapes)

    def of_told(self, histories: Histories) -> dict[str, Tensor]:
        """Returns what requests tell of people, as `Side` reads it; empty where they tell nothing."""
        if histories.people is None:
            return {}
        return as_told(histories.told, arrays(self.user, histories.people, unknown_first=False))

    def of_events(self, histories: Histories, shapes: Iterable[FeatureShape]) -> dict[str, np.ndarray]:
        """Returns name → codes [n, M] or numbers [n] of the events of some histories."""
        if not self.event.columns:
            return {}
        tensors = _tensors(self.event, event_table(histories), shapes)
        return {name: tensor.numpy() for name, tensor in tensors.items()}

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        named = {"event": self.event, "item": self.item, "user": self.user}
        return {name: space.to_dict() for name, space in named.items()}

    @classmethod
    def of_dict(cls, described: Mapping[str, Any]) -> Spaces:
        """Reads what `to_dict` wrote."""
        return cls(*(FeatureSpace.of_dict(described[name]) for name in ("event", "item", "user")))


def _distinct(features: Iterable[FeatureSettings]) -> dict[str, FeatureSettings]:
    """Returns name → settings; the longest reading of a column that is named twice."""
    found: dict[str, FeatureSettings] = {}
    for feature in features:
        before = found.get(feature.name)
        if before is None or (feature.length or 0) > (before.length or 0):
            found[feature.name] = feature
    return found


def _columns(table: pl.DataFrame | None, id_column: str) -> tuple[str, ...]:
    return () if table is None else tuple(name for name in table.columns if name != id_column)


def _fit(
    table: pl.DataFrame | None, wanted: Mapping[str, FeatureSettings], declared: tuple[Feature, ...]
) -> FeatureSpace:
    if table is None:
        return FeatureSpace(())
    kinds = {feature.name: feature.kind for feature in declared}
    columns: list[Column] = []
    for name, settings in wanted.items():
        kind = kinds.get(name) or _kind(table[name], settings)
        one = FeatureSpace.fit(
            table,
            (Feature(name, kind),),
            max_tokens=settings.vocabulary_size or 10_000,
            max_length=settings.length or 16,
        )
        columns += one.columns
    return FeatureSpace(tuple(columns))


def _kind(cells: pl.Series, settings: FeatureSettings) -> FeatureKind:
    if isinstance(cells.dtype, pl.List):
        return "multi"
    if cells.dtype.is_temporal():
        return "time"
    return "number" if settings.type == "float" else "categorical"


def _tensors(space: FeatureSpace, table: pl.DataFrame, shapes: Iterable[FeatureShape]) -> dict[str, Tensor]:
    wanted = {shape.name: shape for shape in shapes}
    encoded = FeatureSpace(tuple(c for c in space.columns if c.name in wanted)).encode(table)
    tensors = {}
    for name, column in encoded.items():
        if wanted[name].dim:
            tensors[name] = torch.from_numpy(column.codes.astype(np.int64))
        else:
            assert column.value is not None
            tensors[name] = torch.from_numpy(column.value)
    return tensors
