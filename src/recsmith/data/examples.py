"""Fixed-length examples: a context, oldest first, and the item that came next; for like against like."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset, Feature
from recsmith.data.histories import Histories
from recsmith.data.interactions import Interactions
from recsmith.data.timelines import Arrays
from recsmith.data.vocabulary import Vocabulary
from recsmith.errors import DataError
from recsmith.rng import generator


@dataclass(frozen=True, eq=False)
class Examples:
    """Holds n examples and the catalogue that they are coded in.

    `item` int32 [n, L] codes, -1 at the end of short contexts; `weight` float32 [n, L]; `label`, `user` int32
    [n]; `is_test`, `is_last` bool [n].
    """

    item: np.ndarray
    weight: np.ndarray
    label: np.ndarray
    user: np.ndarray
    label_weight: np.ndarray
    label_time: np.ndarray
    is_test: np.ndarray
    is_last: np.ndarray
    items: Vocabulary
    item_table: pl.DataFrame

    def __len__(self) -> int:
        return len(self.label)

    def select(self, rows: np.ndarray) -> Examples:
        """Returns the examples of a mask or an index."""
        names = ("item", "weight", "label", "user", "label_weight", "label_time", "is_test", "is_last")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def histories(self) -> Histories:
        """Returns each context as the history of a stranger."""
        there = self.item >= 0
        indptr = np.concatenate([[0], np.cumsum(there.sum(1))])
        return Histories(indptr, self.item[there], self.weight[there], np.full(len(self), -1, np.int32), None)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Returns values of the contexts' events, in `histories` order, as [n, L, ...]; zeros are padding."""
        wide = np.zeros((*self.item.shape, *values.shape[1:]), values.dtype)
        wide[self.item >= 0] = values
        return wide

    def dataset(self, *, name: str = "examples") -> Dataset:
        """Returns the labels as the events of a log: what a model may know of popularity and catalogue."""
        users = np.unique(self.user)
        events = Interactions.from_arrays(
            np.searchsorted(users, self.user), self.label, self.label_weight, self.label_time
        )
        return Dataset(
            events,
            Vocabulary(users),
            self.items,
            item_table=self.item_table,
            item_features=(Feature("genres", "multi"), Feature("year", "categorical")),
            feedback="ratings",
            name=name,
        )


@dataclass(frozen=True, eq=False)
class ExampleBatches:
    """Is examples as batches for a loop: `item` [B, L], `label` [B] (code + 1), `user` zeros (strangers).

    `events` are further arrays [n, L] or [n, L, M] of the contexts' events.
    """

    examples: Examples
    batch_size: int
    seed: int
    events: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def n_steps(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return -(-len(self.examples) // self.batch_size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Arrays]:
        """Yields the batches of an epoch from `start` on."""
        order = generator(self.seed, "examples", number).permutation(len(self.examples))
        for step in range(start, self.n_steps):
            yield self.batch(order[step * self.batch_size : (step + 1) * self.batch_size])

    def batch(self, rows: np.ndarray) -> Arrays:
        """Returns the batch of some examples."""
        named = {
            "item": self.examples.item[rows].astype(np.int64) + 1,
            "label": self.examples.label[rows].astype(np.int64) + 1,
            "user": np.zeros(len(rows), np.int64),
        }
        return named | {name: values[rows] for name, values in self.events.items()}


def read_tf_examples(folder: Path | str) -> Examples:
    """Reads `examples.npz` and `movie_vocab.json`, made by TensorFlow's on-device framework's own generation.

    The catalogue is its vocabulary: `item_id`, `title`, `genres`, `year`, in the order of the ids.
    """
    place = Path(folder)
    file = place / "examples.npz"
    try:
        with np.load(file) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        movies = json.loads((place / "movie_vocab.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{place} must hold examples.npz and movie_vocab.json. Got: {error}.") from error
    needed = {"context_movie_id", "context_movie_rating", "label_movie_id", "user", "is_test", "is_last"}
    if needed - set(found):
        raise DataError(f"{file} must hold {', '.join(sorted(needed))}. Got {', '.join(sorted(found))}.")
    table = (
        pl.DataFrame(movies, schema=["item_id", "title", "genres", "count"], orient="row")
        .filter(pl.col("item_id") > 0)
        .sort("item_id")
        .with_columns(
            pl.col("genres").str.split("|").list.eval(pl.element().filter(pl.element() != "")),
            year=pl.col("title").str.extract(r"\((\d{4})\)", 1),
        )
        .drop("count")
    )
    items = Vocabulary(table["item_id"])
    context = found["context_movie_id"].astype(np.int64)
    n = len(context)
    return Examples(
        item=np.where(context > 0, items.encode(context.ravel()).reshape(context.shape), -1).astype(np.int32),
        weight=found["context_movie_rating"].astype(np.float32),
        label=items.encode(found["label_movie_id"].ravel().astype(np.int64)),
        user=found["user"].ravel().astype(np.int32),
        label_weight=found.get("label_rating", np.ones(n)).ravel().astype(np.float32),
        label_time=found.get("label_timestamp", np.zeros(n)).ravel().astype(np.int64) * 1000,
        is_test=found["is_test"].ravel().astype(bool),
        is_last=found["is_last"].ravel().astype(bool),
        items=items,
        item_table=table,
    )
