"""Timelines: a log stored once, and the batches cut from it; never one row for each prefix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from recsmith.data.histories import Histories
from recsmith.rng import generator

Arrays = dict[str, np.ndarray]

_MIXED = 16  # batches whose windows are sorted by length among themselves: little padding, well shuffled


@dataclass(frozen=True, eq=False)
class Windows:
    """Holds W cuts of a log, by places in it.

    Window w is fed the events start_W to stop_W (excluded) and learns, for those from fresh_W on, the event
    that follows each. Every event that has a predecessor is learnt once.
    """

    start_W: np.ndarray
    fresh_W: np.ndarray
    stop_W: np.ndarray
    row_W: np.ndarray
    """The timeline that a window was cut from."""

    def __len__(self) -> int:
        return len(self.row_W)


def cut(indptr: np.ndarray, *, length: int, stride: int, shift: np.random.Generator | None = None) -> Windows:
    """Cuts timelines (rows of `indptr`) into windows of at most `length` events, `stride` new ones in each.

    A timeline whose events fit one window is one window. Longer ones are cut from their end, or, with
    `shift`, from a place drawn anew, so that each epoch shows other contexts. O(windows).
    """
    n_pairs = np.maximum(np.diff(indptr) - 1, 0)
    is_long = n_pairs > length
    first = np.where(is_long, (n_pairs - 1) % stride + 1, n_pairs)
    if shift is not None:
        first = np.where(is_long, shift.integers(1, stride + 1, len(n_pairs)), first)
    n_windows = np.where(n_pairs > 0, 1 + np.ceil((n_pairs - first) / stride), 0).astype(np.int64)
    row = np.repeat(np.arange(len(n_pairs)), n_windows)
    place = np.arange(len(row)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    stop = np.minimum(first[row] + place * stride, n_pairs[row])
    fresh = np.where(place == 0, 0, first[row] + (place - 1) * stride)
    start = np.maximum(stop - length, 0)
    base = indptr[:-1][row]
    return Windows(base + start, base + fresh, base + stop, row)


@dataclass(frozen=True, eq=False)
class TimelineBatches:
    """Is what a network learns from: the windows of all timelines, batches of about equal numbers of events.

    A batch is a dict of arrays with right padding: `item` int64 [B, L] (code + 1, 0 is padding), `target`
    int64 [B, L] (code + 1 of the next event, 0 where nothing is learnt), `user` int64 [B] (code + 1, 0 for a
    stranger), and [B, L] or [B, L, M] of each array of `events` (rows in the log's order).
    """

    histories: Histories
    length: int
    stride: int
    batch_size: int
    """Windows in a batch, on average."""
    seed: int
    shifted: bool = True
    events: Mapping[str, np.ndarray] = field(default_factory=dict)
    n_steps: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        windows = cut(self.histories.indptr, length=self.length, stride=self.stride)
        object.__setattr__(self, "n_steps", max(1, round(len(windows) / self.batch_size)))

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Arrays]:
        """Yields the batches of an epoch from `start` on."""
        drawn = generator(self.seed, "timelines", number)
        shift = drawn if self.shifted else None
        windows = cut(self.histories.indptr, length=self.length, stride=self.stride, shift=shift)
        bounds, order = pack(windows.stop_W - windows.start_W, self.n_steps, drawn)
        for step in drawn.permutation(self.n_steps)[start:]:
            yield self.batch(windows, order[bounds[step] : bounds[step + 1]])

    def batch(self, windows: Windows, chosen: np.ndarray) -> Arrays:
        """Returns the batch of some windows."""
        first, stop = windows.start_W[chosen][:, None], windows.stop_W[chosen][:, None]
        place = np.arange(int((stop - first).max(initial=1)))
        event = first + place
        mask = event < stop
        event = np.where(mask, event, first)
        learnt = mask & (event >= windows.fresh_W[chosen][:, None])
        item = self.histories.item
        arrays = {
            "item": np.where(mask, item[event].astype(np.int64) + 1, 0),
            "target": np.where(learnt, item[np.where(learnt, event + 1, 0)].astype(np.int64) + 1, 0),
            "user": self.histories.user[windows.row_W[chosen]].astype(np.int64) + 1,
        }
        return arrays | {name: padded(values[event], mask) for name, values in self.events.items()}


def pack(length_W: np.ndarray, n_batches: int, drawn: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns bounds [n_batches + 1] and an order of the windows: batches of about equally many events.

    Windows are shuffled, then sorted by length within every 16 batches. No batch is empty when there are as
    many windows as batches.
    """
    n = len(length_W)
    group = drawn.permutation(n) * max(1, n_batches // _MIXED) // max(n, 1)
    order = np.lexsort((length_W, group))
    events = np.concatenate([[0], np.cumsum(length_W[order])])
    bounds = np.searchsorted(events, np.arange(n_batches + 1) * (events[-1] / n_batches))
    step = np.arange(n_batches + 1)
    bounds = np.maximum.accumulate(bounds - step) + step
    bounds = np.minimum(bounds, n - n_batches + step)
    bounds[0], bounds[-1] = 0, n
    return bounds, order


def newest(histories: Histories, *, length: int, events: Mapping[str, np.ndarray] | None = None) -> Arrays:
    """Returns the `length` newest events of each row as a batch without targets, padded on the right."""
    last = histories.indptr[1:]
    first = np.maximum(histories.indptr[:-1], last - length)
    place = np.arange(max(1, int((last - first).max(initial=1))))
    event = first[:, None] + place
    mask = event < last[:, None]
    if not len(histories.item):
        return {
            "item": np.zeros(mask.shape, np.int64),
            "user": histories.user.astype(np.int64) + 1,
            **{name: np.zeros((*mask.shape, *v.shape[1:]), v.dtype) for name, v in (events or {}).items()},
        }
    event = np.where(mask, event, 0)
    arrays = {
        "item": np.where(mask, histories.item[event].astype(np.int64) + 1, 0),
        "user": histories.user.astype(np.int64) + 1,
    }
    return arrays | {name: padded(values[event], mask) for name, values in (events or {}).items()}


def padded(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns values [B, L, ...] with zeros where the mask [B, L] is False."""
    shape = mask.reshape(mask.shape + (1,) * (values.ndim - mask.ndim))
    return np.where(shape, values, np.zeros((), values.dtype))


def long_enough(histories: Histories, minimum: int) -> Histories:
    """Returns the timelines with at least `minimum` events."""
    return histories.take(np.flatnonzero(histories.lengths >= minimum))
