"""Histories: what a model may see of each person in a batch, ragged, oldest first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Histories:
    """Holds B rows; row b is the events indptr[b] to indptr[b + 1], oldest first.

    `indptr` int64[B + 1]; `item` int32 codes; `weight` float32; `user` int32[B], -1 for a person whom
    training has not seen; `time` int64 milliseconds or None.
    """

    indptr: np.ndarray
    item: np.ndarray
    weight: np.ndarray
    user: np.ndarray
    time: np.ndarray | None = None
    people: pl.DataFrame | None = None
    """What the request tells of each person, a row each: the columns that the model reads, all null where
    nothing is told. A person told of is read as told, not as training knows them."""
    asked: np.ndarray | None = None
    """int64[B]: when each asks, in milliseconds; at their last event when not given."""

    def __len__(self) -> int:
        return len(self.user)

    @property
    def lengths(self) -> np.ndarray:
        """The number of events of each row, int64[B]."""
        return np.diff(self.indptr)

    @property
    def told(self) -> np.ndarray:
        """bool[B]: whether the request tells anything of a person."""
        if self.people is None:
            return np.zeros(len(self), bool)
        return (
            self.people.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy(writable=True)
        )

    @property
    def cold(self) -> np.ndarray:
        """bool[B]: people without an event of whom the request tells nothing either."""
        return (self.lengths == 0) & ~self.told

    def request_times(self, otherwise: int) -> np.ndarray:
        """Returns when each asks, int64 ms [B]: as told, else at their last event, else as given here."""
        if self.asked is not None:
            return self.asked
        time_B = np.full(len(self), otherwise, np.int64)
        if self.time is not None and len(self.time):
            has = self.lengths > 0
            time_B[has] = self.time[self.indptr[1:][has] - 1]
        return time_B

    def matrix(self, n_items: int) -> sparse.csr_matrix:
        """Returns the weights as float32 [B, I]; repeats are summed, columns are in order."""
        matrix = sparse.csr_matrix(
            (self.weight.astype(np.float32), self.item, self.indptr), shape=(len(self), n_items), copy=True
        )
        if not matrix.has_sorted_indices:
            # Turned over twice: two counting sorts take a third of the time of a sort in each row.
            matrix = matrix.tocsc().tocsr()
        matrix.sum_duplicates()
        return matrix

    def binary(self, n_items: int) -> sparse.csr_matrix:
        """Returns 1.0 for each item of the history as float32 [B, I]."""
        matrix = self.matrix(n_items)
        matrix.data[:] = 1.0
        return matrix

    def block(self, start: int, stop: int) -> Histories:
        """Returns rows start to stop without copying the events."""
        low, high = int(self.indptr[start]), int(self.indptr[stop])
        return Histories(
            self.indptr[start : stop + 1] - low,
            self.item[low:high],
            self.weight[low:high],
            self.user[start:stop],
            None if self.time is None else self.time[low:high],
            None if self.people is None else self.people[start:stop],
            None if self.asked is None else self.asked[start:stop],
        )

    def take(self, rows: np.ndarray) -> Histories:
        """Returns the rows of an index, in its order."""
        rows = np.asarray(rows, np.int64)
        lengths = self.lengths[rows]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        events = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Histories(
            indptr,
            self.item[events],
            self.weight[events],
            self.user[rows],
            None if self.time is None else self.time[events],
            None if self.people is None else self.people[rows],
            None if self.asked is None else self.asked[rows],
        )

    def as_strangers(self) -> Histories:
        """Returns the same histories of people whom training has not seen."""
        return replace(self, user=np.full(len(self), -1, np.int32))
