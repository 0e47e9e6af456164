"""Checks for leaks: does the model know what it is asked, and does the split keep its promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from recsmith.data import Histories, Interactions, Split
from recsmith.kernels.hits import in_row
from recsmith.models.base import Recommender


@dataclass(frozen=True)
class Finding:
    """Says what a check found: a `leak` makes figures too good, a `note` is worth knowing."""

    check: str
    kind: Literal["leak", "note"]
    count: int
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def check_split(split: Split) -> tuple[Finding, ...]:
    """Gives what is odd about a split: events on both sides, times out of order, strangers, unseen items.

    Cheap (a few passes over the events). An event later than a test event of the same person is a leak
    where the split promises time order, else a note.
    """
    users = split.test_users()
    visible = split.visible(users)
    found = [
        _repeated(split.relevant(users), visible, n_events=len(split.test)),
        _later_in_train(split),
        _elsewhere_later(split),
        _held_out_in_train(split),
        _strangers(visible),
        _unseen_items(split),
    ]
    return tuple(finding for finding in found if finding is not None)


def check_model(model: Recommender, split: Split) -> tuple[Finding, ...]:
    """Gives whether the model was fitted on test events, those it remembers that are not in train."""
    if not len(model.memory.users):  # it remembers nobody
        return ()
    codes = split.test_users()
    relevant = split.relevant(codes)
    remembered = seen_entries(relevant, model.memory.histories.take(codes))
    count = int((remembered & ~seen_entries(relevant, split.train.histories(codes))).sum())
    if count == 0:
        return ()
    message = f"The model was fitted on {count:,} of {relevant.nnz:,} test events: its figures mean nothing."
    return (Finding("test events in training", "leak", count, message),)


def seen_entries(relevant: sparse.csr_matrix, histories: Histories) -> np.ndarray:
    """Marks the stored entries of [B, I] that are in the same row's history, bool[nnz]."""
    indptr, indices = relevant.indptr.astype(np.int64), relevant.indices.astype(np.int32)
    return in_row(indptr, indices, histories.indptr, histories.item, relevant.shape[1])


def _repeated(relevant: sparse.csr_matrix, visible: Histories, *, n_events: int) -> Finding | None:
    count = int(seen_entries(relevant, visible).sum())
    if count == 0:
        return None
    return Finding(
        "test events also in train", "leak" if n_events == relevant.nnz else "note", count,
        f"{count:,} of {relevant.nnz:,} test pairs of user and item are also in what the model sees; full "
        "ranking leaves seen items out, so they do not count as relevant there.",
    )  # fmt: skip


def _later_in_train(split: Split) -> Finding | None:
    shown = split.train.interactions if split.fold_in is None else split.fold_in
    if shown.time is None or split.test.time is None or not len(shown):
        return None
    latest_U = _last_time(shown, split.train.n_users)
    first_U = -_last_time(_turned(split.test), split.train.n_users)
    count = int((latest_U > first_U)[split.test_users()].sum())
    if count == 0:
        return None
    n_users = len(split.test_users())
    message = f"{count:,} of {n_users:,} test users have train events later than a test event"
    if split.chronological:
        message += ", in a split that promises time order."
        return Finding("future in train", "leak", count, message)
    message += ", as any split has that does not go by time."
    return Finding("future in train", "note", count, message)


def _elsewhere_later(split: Split) -> Finding | None:
    train = split.train.interactions
    if train.time is None or split.test.time is None or not len(train) or not len(split.test):
        return None
    count = int((train.time > split.test.time.min()).sum())
    if count == 0:
        return None
    share = count / len(train)
    message = (
        f"{share:.1%} of train events (of anybody) are later than the first test event; only a split at "
        "one instant, by_time, has none."
    )
    return Finding("other people's future in train", "note", count, message)


def _held_out_in_train(split: Split) -> Finding | None:
    if split.fold_in is None:
        return None
    held = np.zeros(split.train.n_users, np.bool_)
    held[split.test_users()] = True
    count = int(held[split.train.interactions.user].sum())
    if count == 0:
        return None
    message = f"{count:,} train events belong to users who are held out."
    return Finding("held-out users in train", "leak", count, message)


def _strangers(visible: Histories) -> Finding | None:
    count = int((visible.lengths == 0).sum())
    if count == 0:
        return None
    message = f"{count:,} of {len(visible):,} test users have no event that the model may see."
    return Finding("test users without history", "note", count, message)


def _unseen_items(split: Split) -> Finding | None:
    known = np.zeros(split.train.n_items, np.bool_)
    known[split.train.interactions.item] = True
    count = int((~known[split.test.item]).sum())
    if count == 0:
        return None
    message = f"{count:,} of {len(split.test):,} test events are of items that nobody has in train: misses."
    return Finding("test items unseen in train", "note", count, message)


def _last_time(events: Interactions, n_users: int) -> np.ndarray:
    """Gives each user's latest time, the lowest number for users without events."""
    assert events.time is not None
    latest_U = np.full(n_users, np.iinfo(np.int64).min + 1)
    np.maximum.at(latest_U, events.user, events.time)
    return latest_U


def _turned(events: Interactions) -> Interactions:
    """Gives the events with times negated, so that the latest is the first."""
    assert events.time is not None
    return Interactions(events.user, events.item, events.weight, -events.time)
