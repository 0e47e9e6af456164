"""What every model keeps of its training data, so that it moves without it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load_file, save_file

from recsmith.data import Dataset, Histories, Vocabulary
from recsmith.data.dataset import Feedback
from recsmith.errors import InvalidValue
from recsmith.kernels.weighting import distinct_counts
from recsmith.types import Id

History = Sequence[Id] | Mapping[Id, float]
"""A person's items, oldest first; or item → weight (rating)."""

FILES = ("users.parquet", "items.parquet", "catalogue.parquet", "people.parquet", "histories.safetensors")


@dataclass(frozen=True, eq=False)
class Memory:
    """Holds the vocabularies, the catalogue table, each user's training history and item popularity."""

    users: Vocabulary
    items: Vocabulary
    catalogue: pl.DataFrame
    """A row for each item code; `item_id`, `title`, and what metadata the data had."""
    people: pl.DataFrame
    """A row for each user code; `user_id`, and what the data told of people."""
    histories: Histories
    popularity: np.ndarray
    """float32[I]: the number of people who took each item."""
    feedback: Feedback
    weight_range: tuple[float, float]
    """The smallest and largest weight in training."""
    mean_weight: float

    @classmethod
    def of(cls, data: Dataset) -> Memory:
        """Returns what is kept of a data set."""
        histories = data.histories()
        table = data.item_table
        if table is None:
            table = pl.DataFrame({"item_id": data.items.ids})
        if "title" not in table.columns:
            table = table.with_columns(title=data.titles())
        weight = histories.weight
        return cls(
            users=data.users,
            items=data.items,
            catalogue=table,
            people=pl.DataFrame({"user_id": data.users.ids}) if data.user_table is None else data.user_table,
            histories=histories,
            popularity=distinct_counts(histories.indptr, histories.item, data.n_items).astype(np.float32),
            feedback=data.feedback,
            weight_range=(float(weight.min()), float(weight.max())),
            mean_weight=float(weight.mean(dtype=np.float64)),
        )

    @property
    def liked_weight(self) -> float:
        """The weight of an item named without one: top of the scale for ratings, else the mean."""
        return self.weight_range[1] if self.feedback == "ratings" else self.mean_weight

    def of_users(self, user_ids: Sequence[Id]) -> tuple[Histories, np.ndarray]:
        """Returns the training histories of users, and which of them are unknown (their rows are empty)."""
        codes = self.users.encode(user_ids)
        unknown = codes < 0
        rows = self.histories.take(np.where(unknown, 0, codes))
        lengths = np.where(unknown, 0, rows.lengths)
        keep = np.repeat(~unknown, rows.lengths)
        return Histories(
            _indptr(lengths),
            rows.item[keep],
            rows.weight[keep],
            codes,
            None if rows.time is None else rows.time[keep],
        ), unknown

    def of_items(self, histories: Sequence[History]) -> Histories:
        """Returns the histories of strangers; item ids that the model does not know are left out."""
        items, weights, lengths = [], [], []
        for place, history in enumerate(histories):
            if isinstance(history, str) or not isinstance(history, Sequence | Mapping):
                raise InvalidValue(
                    f"histories[{place}]", "a list of item ids, or a mapping from item id to weight", history
                )
            codes = self.items.encode(list(history))
            values = (
                np.array([_weight(x) for x in history.values()], np.float32)
                if isinstance(history, Mapping)
                else np.full(len(codes), self.liked_weight, np.float32)
            )
            known = codes >= 0
            items.append(codes[known])
            weights.append(values[known])
            lengths.append(int(known.sum()))
        return Histories(
            _indptr(np.array(lengths, np.int64)),
            np.concatenate([np.zeros(0, np.int32), *items]),
            np.concatenate([np.zeros(0, np.float32), *weights]),
            np.full(len(lengths), -1, np.int32),
        )

    def without(self, user_code: int) -> Memory:
        """Returns the memory without a person: no history, no features, and an id that nobody has."""
        column = self.users.ids
        ids = column.to_list()
        chance = uuid.uuid4()
        ids[user_code] = -(chance.int >> 66) - 1 if self.users.is_integer else f"erased-{chance.hex}"
        theirs = (self.people["user_id"] == column[user_code]).fill_null(False)
        blank = [
            pl.when(theirs).then(None).otherwise(pl.col(name)).alias(name)
            for name in self.people.columns
            if name != "user_id"
        ]
        h = self.histories
        start, stop = int(h.indptr[user_code]), int(h.indptr[user_code + 1])
        keep = np.ones(len(h.item), bool)
        keep[start:stop] = False
        lengths, popularity = h.lengths.copy(), self.popularity.copy()
        lengths[user_code] = 0
        popularity[np.unique(h.item[start:stop])] -= 1
        return replace(
            self,
            users=Vocabulary(pl.Series("id", ids, dtype=column.dtype)),
            people=self.people.with_columns(
                *blank, pl.Series("user_id", ids, dtype=self.people["user_id"].dtype)
            ),
            popularity=popularity,
            histories=Histories(
                _indptr(lengths),
                h.item[keep],
                h.weight[keep],
                h.user,
                None if h.time is None else h.time[keep],
            ),
        )

    def save(self, folder: Path) -> None:
        """Writes the memory's files."""
        self.users.save(folder / FILES[0])
        self.items.save(folder / FILES[1])
        self.catalogue.write_parquet(folder / FILES[2])
        self.people.write_parquet(folder / FILES[3])
        h = self.histories
        arrays = {"indptr": h.indptr, "item": h.item, "weight": h.weight, "popularity": self.popularity}
        if h.time is not None:
            arrays["time"] = h.time
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / FILES[4])

    @classmethod
    def load(cls, folder: Path, described: Mapping[str, Any]) -> Memory:
        """Reads what `save` and `describe` wrote."""
        users, items = Vocabulary.load(folder / FILES[0]), Vocabulary.load(folder / FILES[1])
        arrays = load_file(folder / FILES[4])
        histories = Histories(
            arrays["indptr"],
            arrays["item"],
            arrays["weight"],
            np.arange(len(users), dtype=np.int32),
            arrays.get("time"),
        )
        return cls(
            users=users,
            items=items,
            catalogue=pl.read_parquet(folder / FILES[2]),
            people=pl.read_parquet(folder / FILES[3]),
            histories=histories,
            popularity=arrays["popularity"],
            feedback=described["feedback"],
            weight_range=(described["weight_range"][0], described["weight_range"][1]),
            mean_weight=described["mean_weight"],
        )

    def describe(self) -> dict[str, Any]:
        """Returns the plain values that go into the model's JSON."""
        return {
            "feedback": self.feedback,
            "weight_range": list(self.weight_range),
            "mean_weight": self.mean_weight,
            "n_users": len(self.users),
            "n_items": len(self.items),
        }


def _indptr(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _weight(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise InvalidValue("history weight", "a finite number", value)
    return number
