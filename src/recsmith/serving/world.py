"""World: one state of everything an answer depends on, never changed; a new one takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from recsmith.data import Histories
from recsmith.models.base import Recommender
from recsmith.models.capabilities import HasVectors, VectorsOfNewItems
from recsmith.models.told import as_table, kept_features
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.records import Event


@dataclass(frozen=True, eq=False)
class World:
    """Holds the model in place and the catalogue.

    `about` says what the model is: `version`, `model`, `metrics`, `trained`, `through` (the last event of
    the store that it was trained on).
    """

    model: Recommender
    catalogue: Catalogue
    about: Mapping[str, Any] = field(default_factory=dict)
    ranker: Recommender | None = None

    @property
    def version(self) -> str:
        """The version of the model."""
        return str(self.about.get("version", "0"))

    @cached_property
    def unit_vectors(self) -> np.ndarray | None:
        """float32 [n_model, D]: item vectors of length 1; None for a model without vectors."""
        if not isinstance(self.model, HasVectors):
            return None
        vectors = np.asarray(self.model.item_vectors(), np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    @cached_property
    def new_vectors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Vectors [n, D] of the items that the model never saw, by its item tower, and which of them it was
        told anything of, bool[n]; None for a model without such a tower.
        """
        model, catalogue = self.model, self.catalogue
        columns = model._item_columns() if isinstance(model, VectorsOfNewItems) else ()
        if not columns or len(catalogue) == catalogue.n_model:
            return None
        assert isinstance(model, VectorsOfNewItems)
        told = [
            kept_features(columns, {"title": item.title, **item.data})
            for item in catalogue.items[catalogue.n_model :]
        ]
        return model._vectors_of_new(as_table(columns, told)), np.array([bool(one) for one in told])

    def likeness(self, places: np.ndarray) -> np.ndarray:
        """Returns how alike items are, float32 [n, n] in 0..1: by the model's vectors, else by words."""
        vectors = self.unit_vectors
        if vectors is not None and (places < self.catalogue.n_model).all():
            some = vectors[places]
            return np.clip(some @ some.T, 0, 1)
        rows = self.catalogue.words[places]
        alike = np.asarray((rows @ rows.T).todense(), np.float32)
        return np.clip(alike, 0, 1)

    def trained_row(self, user_id: str) -> Histories | None:
        """Returns a person's history as training saw it, without a way to the store; None for a stranger."""
        code = int(self.model.memory.users.encode([user_id])[0])
        return self.model.memory.histories.block(code, code + 1) if code >= 0 else None

    def history(
        self, events: Sequence[Event], *, user_id: str | None, unchanged: bool
    ) -> tuple[np.ndarray, Histories]:
        """Returns the catalogue's indices of a person's events, and the events as one row for the model.

        `unchanged` says that training saw all of them, so that the person's learnt vector holds. A history
        of which no event has a time has none.
        """
        index = self.catalogue.index
        pairs = [(index[event.item_id], event) for event in events if event.item_id in index]
        known = [(place, event) for place, event in pairs if place < self.catalogue.n_model]
        code = -1
        if unchanged and user_id is not None:
            code = int(self.model.memory.users.encode([user_id])[0])
        row = Histories(
            np.array([0, len(known)], np.int64),
            np.fromiter((place for place, _ in known), np.int32, len(known)),
            np.fromiter((event.weight for _, event in known), np.float32, len(known)),
            np.array([code], np.int32),
            np.fromiter((event.time for _, event in known), np.int64, len(known))
            if any(event.time for _, event in known)
            else None,
        )
        return np.fromiter((place for place, _ in pairs), np.int32, len(pairs)), row
