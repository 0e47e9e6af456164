"""What is asked at an evaluation: of whom, what the model may see, what is relevant, who is left out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recsmith.data import Histories, Interactions, Split
from recsmith.errors import InvalidValue
from recsmith.evaluation.candidates import Negatives
from recsmith.evaluation.leakage import seen_entries


@dataclass(frozen=True, eq=False)
class Task:
    """Holds one row a test user, in `split.test_users()` order.

    `relevant` [U, I] stores what counts as relevant in a ranking; `events` are all test events, of user u
    `event_indptr[u]:event_indptr[u + 1]`.
    """

    users: np.ndarray
    visible: Histories
    relevant: sparse.csr_matrix
    events: Interactions
    event_indptr: np.ndarray
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_events(self) -> np.ndarray:
        """Counts each user's test events, int64[U]."""
        return np.diff(self.event_indptr)


def task_of(split: Split, *, relevant_from: float | None, exclude_seen: bool) -> Task:
    """Gives the task of a split.

    A test event is relevant when its weight is `relevant_from` or more (above 0 when None). With
    `exclude_seen`, items the model sees in the user's history are not relevant, since they are never listed.
    """
    users = split.test_users()
    if not len(users):
        raise InvalidValue(
            "split", "one with test events", 0, "Every user may have had too few events to split."
        )
    visible = split.visible(users)
    weights = split.relevant(users)
    liked = weights.data > 0 if relevant_from is None else weights.data >= relevant_from
    reachable = liked & ~seen_entries(weights, visible) if exclude_seen else liked
    n_liked_U, n_reachable_U = _per_row(weights, liked), _per_row(weights, reachable)
    above = "above 0" if relevant_from is None else f"of {relevant_from:g} or more"
    left_out = {
        "no test event": split.train.n_users - len(users),
        f"no test event with a weight {above}": int((n_liked_U == 0).sum()),
        "every relevant test item was seen before": int(((n_liked_U > 0) & (n_reachable_U == 0)).sum()),
    }
    indptr = np.concatenate([[0], np.cumsum(n_reachable_U)]).astype(np.int64)
    relevant = sparse.csr_matrix(
        (np.ones(int(indptr[-1]), np.float32), weights.indices[reachable], indptr), shape=weights.shape
    )
    event_indptr = np.append(np.searchsorted(split.test.user, users), len(split.test)).astype(np.int64)
    return Task(users, visible, relevant, split.test, event_indptr, left_out)


def fingerprint(
    split: Split, *, relevant_from: float | None, exclude_seen: bool, candidates: Negatives | None
) -> str:
    """Gives a short hash of what is asked: ids, test events, what the model may see, and the protocol."""
    digest = hashlib.blake2b(digest_size=12)
    for ids in (split.train.users.ids, split.train.items.ids):
        digest.update("\n".join(map(str, ids.to_list())).encode() + b"\0")
    shown = split.train.interactions if split.fold_in is None else split.fold_in
    for column in (split.test.user, split.test.item, split.test.weight, shown.user, shown.item):
        digest.update(np.ascontiguousarray(column).data)
    digest.update(f"{relevant_from} {exclude_seen} {len(split.test)}".encode())
    if candidates is not None:
        digest.update(np.ascontiguousarray(candidates.indptr).data)
        digest.update(np.ascontiguousarray(candidates.item).data)
    return digest.hexdigest()


def _per_row(matrix: sparse.csr_matrix, kept: np.ndarray) -> np.ndarray:
    """Counts the kept stored entries of each row."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return before[matrix.indptr[1:]] - before[matrix.indptr[:-1]]
