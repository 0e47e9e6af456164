"""From tables of users, items and requests to what towers and rankers are fed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from pydantic import Field
from torch import Tensor

from recsmith.data import Dataset, Feature, Histories, Interactions
from recsmith.data.feature_space import TIME_PARTS, FeatureSpace, TextReading, time_parts
from recsmith.models.memory import Memory
from recsmith.models.neural.base import NeuralConfig
from recsmith.nn.event_embedding import FeatureShape
from recsmith.nn.side import Side, as_told
from recsmith.rng import generator

VALUE = "#value"  # the scaled number of a feature, beside its buckets
Rows = dict[str, Tensor]


class FeatureConfig(NeuralConfig):
    """Says what is known of users, items and requests."""

    user_id: bool = True
    """Whether each user has a vector; a person not seen in training gets that of the unknown user."""
    item_id: bool = True
    """Whether each item has a vector; one that nobody took gets that of the unknown item."""
    user_features: tuple[str, ...] | None = None
    """Columns of the user table; all declared ones when not given."""
    item_features: tuple[str, ...] | None = None
    """Columns of the item table; all declared ones when not given."""
    context: tuple[Literal["instant", "hour_of_day", "day_of_week"], ...] = ()
    """What the time of the request tells."""
    numbers: Literal["bucket", "value", "both"] = "both"
    """How numbers and times enter: as the vector of a bucket, scaled as they are, or both."""
    history_length: int = Field(0, ge=0)
    """So many newest items of the person enter as their mean vector; 0 leaves histories out."""
    embedding_dim: int = Field(32, ge=1)
    """Length of every feature's vector."""
    id_dropout: float = Field(0.05, ge=0, lt=1)
    """The share of ids shown as unknown in training."""
    n_buckets: int = Field(20, ge=2)
    """Buckets of a number."""
    text: TextReading = "words"
    """How texts enter, as the mean of their words' vectors: each word alike, hashed, or by TF-IDF."""
    n_hashes: int = Field(4096, ge=1)
    """hashed: vectors that words share; a word that training never saw has one too."""
    text_length: int = Field(64, ge=1)
    """Words of a text that are read."""


@dataclass(frozen=True)
class Spaces:
    """Holds the feature spaces of the three sides; plain values in and out of JSON."""

    users: FeatureSpace
    items: FeatureSpace
    context: FeatureSpace
    newest: int
    """The newest time in training, ms: when a request that names no time takes place."""

    @classmethod
    def learn(cls, data: Dataset, memory: Memory, settings: FeatureConfig) -> Spaces:
        """Learns the features of a data set."""
        time = data.interactions.time
        instants = np.zeros(1, np.int64) if time is None or not len(time) else time
        parts = tuple(part for part in TIME_PARTS if part.name in settings.context)

        def fit(table: pl.DataFrame, features: Sequence[Feature]) -> FeatureSpace:
            return FeatureSpace.fit(
                table,
                features,
                n_buckets=settings.n_buckets,
                text=settings.text,
                n_hashes=settings.n_hashes,
                text_length=settings.text_length,
            )

        return cls(
            fit(memory.people, _chosen(data.user_features, settings.user_features)),
            fit(memory.catalogue, _chosen(data.item_features, settings.item_features)),
            fit(time_parts(instants), parts),
            int(instants.max()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values."""
        sides = {name: getattr(self, name).to_dict() for name in ("users", "items", "context")}
        return {**sides, "newest": self.newest}

    @classmethod
    def of_dict(cls, described: Mapping[str, Any]) -> Spaces:
        """Reads what `to_dict` gave."""
        users, items, context = (FeatureSpace.of_dict(described[x]) for x in ("users", "items", "context"))
        return cls(users, items, context, described["newest"])


def _chosen(declared: tuple[Feature, ...], names: tuple[str, ...] | None) -> list[Feature]:
    """Returns the features asked for; a name that was not declared is a category, if it is a column."""
    known = {feature.name: feature for feature in declared}
    wanted = tuple(known) if names is None else names
    return [known.get(name, Feature(name, "categorical")) for name in wanted]


def shapes(space: FeatureSpace, settings: FeatureConfig) -> list[FeatureShape]:
    """Returns how the columns of a space enter a network."""
    found = []
    for column in space.columns:
        if not column.has_value or settings.numbers in ("bucket", "both"):
            weights = (0.0, *column.idf) if column.idf else ()
            found.append(FeatureShape(column.name, column.n_codes, settings.embedding_dim, weights=weights))
        if column.has_value and settings.numbers in ("value", "both"):
            found.append(FeatureShape(column.name + VALUE))
    return found


def arrays(space: FeatureSpace, table: pl.DataFrame, *, unknown_first: bool) -> dict[str, np.ndarray]:
    """Returns codes [R, M] and numbers [R] of a table's rows; with `unknown_first` row 0 is all zero."""
    found: dict[str, np.ndarray] = {}
    for name, encoded in space.encode(table).items():
        found[name] = encoded.codes
        if encoded.value is not None:
            found[name + VALUE] = encoded.value
    if unknown_first:
        return {name: np.concatenate([np.zeros_like(a[:1]), a]) for name, a in found.items()}
    return found


def user_side(spaces: Spaces, memory: Memory, settings: FeatureConfig) -> Side:
    """Returns the users' side; row = code + 1."""
    seen = memory.histories.lengths > 0
    return _side(spaces.users, memory.people, "user_id" if settings.user_id else None, seen, settings)


def item_side(spaces: Spaces, memory: Memory, settings: FeatureConfig) -> Side:
    """Returns the items' side; row = code + 1."""
    seen = memory.popularity > 0
    return _side(spaces.items, memory.catalogue, "item_id" if settings.item_id else None, seen, settings)


def _side(
    space: FeatureSpace, table: pl.DataFrame, id_name: str | None, seen: np.ndarray, settings: FeatureConfig
) -> Side:
    columns = [shape for shape in shapes(space, settings) if shape.name != id_name]
    if id_name is not None:
        columns.insert(0, FeatureShape(id_name, len(table) + 1, settings.embedding_dim))
    return Side(
        columns,
        arrays(space, table, unknown_first=True),
        id_name=id_name,
        unknown_rows=np.flatnonzero(~seen) + 1,
        id_dropout=settings.id_dropout,
    )


@dataclass(frozen=True, eq=False)
class Events:
    """Cuts batches of single events from a log; the history of an event is what came before it.

    A batch is a dict of tensors: `user`, `item` (row = code + 1), `weight`, `history` [B, L] (rows, 0 is
    padding, newest last), and the codes and numbers of the request.
    """

    log: Interactions
    indptr: np.ndarray
    context: dict[str, np.ndarray]
    batch_size: int
    history_length: int
    seed: int
    chosen: np.ndarray
    """The events that are learnt; histories hold all."""

    @classmethod
    def of(
        cls,
        data: Dataset,
        spaces: Spaces,
        settings: FeatureConfig,
        *,
        seed: int,
        chosen: np.ndarray | None = None,
    ) -> Events:
        """Returns the batches of a data set, or of the chosen events of it."""
        log = data.interactions
        time = np.zeros(len(log), np.int64) if log.time is None else log.time
        requests = arrays(spaces.context, time_parts(time), unknown_first=False) if settings.context else {}
        return cls(
            log,
            log.indptr(data.n_users),
            requests,
            settings.batch_size,
            settings.history_length,
            seed,
            np.arange(len(log)) if chosen is None else chosen,
        )

    @property
    def n_steps(self) -> int:
        """Batches in an epoch; the last may be short."""
        return -(-len(self.chosen) // self.batch_size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Rows]:
        """Yields the batches of an epoch from `start` on; every event once."""
        order = generator(self.seed, "events", number).permutation(self.chosen)
        for step in range(start, self.n_steps):
            yield self.rows(order[step * self.batch_size : (step + 1) * self.batch_size])

    def rows(self, event_B: np.ndarray) -> Rows:
        """Returns the batch of the given events."""
        user_B = self.log.user[event_B]
        batch = {
            "user": torch.from_numpy(user_B.astype(np.int64) + 1),
            "item": torch.from_numpy(self.log.item[event_B].astype(np.int64) + 1),
            "weight": torch.from_numpy(self.log.weight[event_B]),
        }
        if self.history_length:
            batch["history"] = newest(self.log.item, self.indptr[user_B], event_B, self.history_length)
        return batch | {name: torch.from_numpy(array[event_B]) for name, array in self.context.items()}


def newest(item: np.ndarray, low_B: np.ndarray, high_B: np.ndarray, length: int) -> Tensor:
    """Returns int64 [B, length]: rows (code + 1) of the newest items of each range, 0 on the left."""
    event_BL = high_B[:, None] - np.arange(length, 0, -1)[None, :]
    inside_BL = event_BL >= low_B[:, None]
    row_BL = np.where(inside_BL, item[np.maximum(event_BL, 0)].astype(np.int64) + 1, 0)
    return torch.from_numpy(row_BL)


def people(histories: Histories, spaces: Spaces, settings: FeatureConfig) -> Rows:
    """Returns people as a batch without items, with what requests tell of them and when they ask."""
    batch = {"user": torch.from_numpy(histories.user.astype(np.int64) + 1)}
    if histories.people is not None:
        batch |= as_told(histories.told, arrays(spaces.users, histories.people, unknown_first=False))
    if settings.history_length:
        low, high = histories.indptr[:-1], histories.indptr[1:]
        item = histories.item if len(histories.item) else np.zeros(1, np.int32)
        batch["history"] = newest(item, low, high, settings.history_length)
    if settings.context:
        time_B = histories.request_times(spaces.newest)
        requests = arrays(spaces.context, time_parts(time_B), unknown_first=False)
        batch |= {name: torch.from_numpy(array) for name, array in requests.items()}
    return batch
