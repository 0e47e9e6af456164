"""Dataset: the events, the vocabularies they are coded in, and what is known of items and users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data.histories import Histories
from recsmith.data.interactions import Interactions
from recsmith.data.vocabulary import Vocabulary
from recsmith.errors import InvalidValue

FeatureKind = Literal["categorical", "multi", "text", "number", "time"]
Feedback = Literal["ratings", "implicit"]


@dataclass(frozen=True)
class Feature:
    """Names a column of a side table and says how to read it.

    `multi` is a list column (genres), `text` free words, `number` a float, `time` a date or instant.
    """

    name: str
    kind: FeatureKind


@dataclass(frozen=True)
class Notes:
    """Says what happened at the door: nothing is dropped in silence."""

    sources: tuple[str, ...] = ()
    n_read: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Reason → rows set aside."""
    duplicates: int = 0
    """Rows with a user and item seen before."""
    duplicates_rule: str = ""
    steps: tuple[str, ...] = ()
    """What filters and joins did, a sentence each, in order."""

    def and_then(self, sentence: str) -> Notes:
        """Returns the notes with one more sentence."""
        return replace(self, steps=(*self.steps, sentence))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Holds events and tables in one coding.

    `item_table` has one row for each item code, in code order, with column `item_id` (and `title` where
    there is one); so has `user_table` for users, with `user_id`. The item vocabulary covers the whole
    catalogue, also items that nobody took. `feedback` is "ratings" when weights are stars, else
    "implicit" (presence or counts).
    """

    interactions: Interactions
    users: Vocabulary
    items: Vocabulary
    item_table: pl.DataFrame | None = None
    user_table: pl.DataFrame | None = None
    item_features: tuple[Feature, ...] = ()
    user_features: tuple[Feature, ...] = ()
    feedback: Feedback = "implicit"
    name: str = "data"
    notes: Notes = Notes()

    def __post_init__(self) -> None:
        for what, table, vocabulary in (
            ("item_table", self.item_table, self.items),
            ("user_table", self.user_table, self.users),
        ):
            if table is not None and len(table) != len(vocabulary):
                raise InvalidValue(what, f"{len(vocabulary)} rows, one for each code", len(table))

    @property
    def n_users(self) -> int:
        """The number of users in the vocabulary."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """The number of items in the catalogue."""
        return len(self.items)

    def __len__(self) -> int:
        return len(self.interactions)

    def __repr__(self) -> str:
        sizes = f"{len(self):,} interactions, {self.n_users:,} users, {self.n_items:,} items"
        return f"Dataset({self.name}: {sizes})"

    def matrix(self) -> sparse.csr_matrix:
        """Returns the weights as float32 [U, I]; repeated events of a user and item are summed."""
        return self.histories().matrix(self.n_items)

    def binary(self) -> sparse.csr_matrix:
        """Returns 1.0 for each user and item that met, as float32 [U, I]."""
        return self.histories().binary(self.n_items)

    def histories(self, user_codes: np.ndarray | None = None) -> Histories:
        """Returns the timelines of all users, or of the given codes, one row each."""
        events = self.interactions
        whole = Histories(
            events.indptr(self.n_users),
            events.item,
            events.weight,
            np.arange(self.n_users, dtype=np.int32),
            events.time,
        )
        return whole if user_codes is None else whole.take(np.asarray(user_codes))

    def with_interactions(self, interactions: Interactions, *, note: str = "") -> Dataset:
        """Returns the same vocabularies and tables with other events."""
        return replace(
            self, interactions=interactions, notes=self.notes.and_then(note) if note else self.notes
        )

    def titles(self) -> pl.Series:
        """Returns a display title for each item code; the id where there is no title."""
        if self.item_table is not None and "title" in self.item_table.columns:
            return self.item_table["title"]
        return self.items.ids.cast(pl.String)
