"""What a fitted factorization machine makes of people and items: a vector and a number, for each sample of
its parameters; and ŷ of pairs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from recsmith.data import Histories
from recsmith.kernels import fm_rows
from recsmith.models.factorization.fm_design import Design
from recsmith.models.factorization.fm_task import Task
from recsmith.types import FloatArray

_CELLS = 2**22  # pairs × samples × dimensions that are worked on at once: 16 MiB a side


@dataclass(frozen=True, eq=False)
class Samples:
    """Holds S samples of the parameters; ALS and gradient descent have one.

    `parameter_PSK` is float32, w and then v of each column; `cut_SC` has cut points between −∞ and ∞;
    `mean_SK` and `precision_SK` are the prior of a user's own column.
    """

    parameter_PSK: np.ndarray
    constant_S: np.ndarray
    noise_precision_S: np.ndarray
    cut_SC: np.ndarray
    mean_SK: np.ndarray
    precision_SK: np.ndarray

    @property
    def cells(self) -> int:
        """S · D, at least 1."""
        return self.parameter_PSK.shape[1] * (self.parameter_PSK.shape[2] - 1)


@dataclass(frozen=True, eq=False)
class Side:
    """Holds rows of features as each sample sees them: `vector_RSD` Σ x v, `alone_RS` w·x − ½ Σ x² |v|².

    Sides add up as features do; two sides make ŷ = w₀ + alone + alone' + ½ |q + q'|².
    """

    vector_RSD: FloatArray
    alone_RS: FloatArray

    @classmethod
    def of(cls, rows: sparse.csr_matrix, samples: Samples) -> Side:
        """Returns the side of CSR rows over all columns."""
        n_samples, n_keys = samples.parameter_PSK.shape[1:]
        vector_RSD = np.zeros((rows.shape[0], n_samples, n_keys - 1), np.float32)
        alone_RS = np.zeros((rows.shape[0], n_samples), np.float32)
        fm_rows.row_sums(
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int32),
            rows.data,
            samples.parameter_PSK,
            vector_RSD,
            alone_RS,
        )
        return cls(vector_RSD, alone_RS)

    def take(self, row_n: np.ndarray) -> Side:
        """Returns the rows of an index."""
        return Side(self.vector_RSD[row_n], self.alone_RS[row_n])

    def __add__(self, other: Side) -> Side:
        return Side(self.vector_RSD + other.vector_RSD, self.alone_RS + other.alone_RS)

    def add_columns(self, row_b: np.ndarray, own_bSK: np.ndarray) -> None:
        """Gives some rows a column of their own, of value 1."""
        self.vector_RSD[row_b] += own_bSK[..., 1:]
        self.alone_RS[row_b] += own_bSK[..., 0] - 0.5 * np.sum(own_bSK[..., 1:] ** 2, axis=-1)

    @property
    def bias_RS(self) -> FloatArray:
        """float32 [R, S]: what a row adds to ŷ whatever is on the other side."""
        return self.alone_RS + np.float32(0.5) * np.einsum("rsd,rsd->rs", self.vector_RSD, self.vector_RSD)

    @property
    def flat_RE(self) -> FloatArray:
        """float32 [R, S·D]: the vectors of all samples in a row."""
        return self.vector_RSD.reshape(len(self.vector_RSD), -1)


@dataclass(frozen=True, eq=False)
class Indexed:
    """Holds a side and, for each of n pairs, its row."""

    side: Side
    row_n: np.ndarray


@dataclass(eq=False)
class Scores:
    """Gives ŷ of people and items; the items' side is made once."""

    design: Design
    samples: Samples
    task: Task
    penalty_by_event: bool
    """Whether a person of n events is held back n times as much (gradient descent pulls at every step)."""
    _items: Side | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def items(self) -> Side:
        """The items' side [I], without periods."""
        with self._lock:
            if self._items is None:
                self._items = Side.of(self.design.of_items(), self.samples)
            return self._items

    def request_times(self, histories: Histories) -> np.ndarray:
        """Returns when each person is served, int64 [B]; the newest time of training where nothing tells."""
        return histories.request_times(self.design.newest)

    def things(self, item_n: np.ndarray, time_n: np.ndarray) -> Indexed:
        """Returns the items of pairs, at their times."""
        periods = self.design.of_periods(item_n, time_n)
        if not periods:
            return Indexed(self.items, item_n)
        rows = periods[0]
        first = np.unique(rows.index_n, return_index=True)[1]
        return Indexed(self.items.take(item_n[first]) + Side.of(rows.matrix, self.samples), rows.index_n)

    def at(self, people: Side, histories: Histories, row_n: np.ndarray, time_n: np.ndarray) -> Indexed:
        """Returns the people of pairs, at their times."""
        mean_day_B = self.design.mean_days(histories)
        moments = self.design.of_moments(histories.user[row_n], mean_day_B[row_n], time_n)
        if not moments:
            return Indexed(people, row_n)
        side = people.take(row_n)
        for rows in moments:
            side = side + Side.of(rows.matrix, self.samples).take(rows.index_n)
        return Indexed(side, np.arange(len(row_n)))

    def fitted(self, people: Indexed, things: Indexed) -> FloatArray:
        """Returns ŷ of pairs by each sample, float32 [n, S]."""
        out_nS = np.empty((len(people.row_n), len(self.samples.constant_S)), np.float32)
        fm_rows.fitted(
            people.row_n.astype(np.int64),
            things.row_n.astype(np.int64),
            people.side.vector_RSD,
            people.side.bias_RS,
            things.side.vector_RSD,
            things.side.bias_RS,
            self.samples.constant_S.astype(np.float32),
            out_nS,
        )
        return out_nS

    def pairs(
        self, people: Side, histories: Histories, row_n: np.ndarray, item_n: np.ndarray, time_n: np.ndarray
    ) -> Iterator[FloatArray]:
        """Yields ŷ of pairs by each sample, [n, S], in parts."""
        size = max(1, _CELLS // self.samples.cells)
        for start in range(0, len(row_n), size):
            part = slice(start, start + size)
            there = self.at(people, histories, row_n[part], time_n[part])
            yield self.fitted(there, self.things(item_n[part], time_n[part]))

    def people(self, histories: Histories) -> Side:
        """Returns the people's side [B]; strangers with events get a column that fits them."""
        side = Side.of(self.design.of_users(histories), self.samples)
        if not self.design.settings.user_id:
            return side
        strangers = np.flatnonzero((histories.user < 0) & (histories.lengths > 0))
        most = max(1, _CELLS // self.samples.cells)  # events at once
        while len(strangers):
            n = max(1, int(np.searchsorted(np.cumsum(histories.lengths[strangers]), most, side="right")))
            now, strangers = strangers[:n], strangers[n:]
            side.add_columns(now, self._own_columns(side.take(now), histories.take(now)))
        return side

    def _own_columns(self, people: Side, histories: Histories) -> np.ndarray:
        samples = self.samples
        target = self.task.target(histories.weight)
        chosen = target.event_n
        row_n = np.repeat(np.arange(len(histories)), histories.lengths)[chosen]
        item_n = histories.item[chosen]
        time_n = self.request_times(histories)[row_n] if histories.time is None else histories.time[chosen]
        there, things = self.at(people, histories, row_n, time_n), self.things(item_n, time_n)
        length_B = np.bincount(row_n, minlength=len(histories))
        out_BSK = np.empty((len(histories), *samples.mean_SK.shape), np.float32)
        fm_rows.own_columns(
            np.concatenate([[0], np.cumsum(length_B)]),
            self.fitted(there, things),
            there.side.vector_RSD[there.row_n] + things.side.vector_RSD[things.row_n],
            target.value_n,
            target.kind,
            samples.cut_SC,
            samples.noise_precision_S,
            samples.mean_SK,
            samples.precision_SK,
            np.maximum(length_B, 1) if self.penalty_by_event else np.ones(len(histories)),
            out_BSK,
        )
        return out_BSK
