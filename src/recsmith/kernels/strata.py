"""Strata: SGD on many threads with one result, by blocks that share neither user nor item. Gemulla et al.,
Large-scale matrix factorization with distributed stochastic gradient descent, KDD 2011."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Strata:
    """Orders events so that block (g, h) is `order[bounds[g, h] : bounds[g, h + 1]]`.

    Block (g, h) holds the events of user group g and item group h. In round r the blocks (g, (g + r) mod G)
    touch different users and different items: they may run in any order or at once and change nothing in
    each other's result. `members` lists the items by group, group h at `member_bounds[h] : [h + 1]`.
    """

    order: np.ndarray
    bounds: np.ndarray
    members: np.ndarray
    member_bounds: np.ndarray

    @property
    def n_groups(self) -> int:
        """The number of user groups, and of item groups."""
        return len(self.bounds)

    def rounds(self) -> list[list[tuple[int, int]]]:
        """Returns G rounds of G blocks that may run at once."""
        n = self.n_groups
        return [[(g, (g + shift) % n) for g in range(n)] for shift in range(n)]


def strata(
    user: np.ndarray,
    item: np.ndarray,
    n_users: int,
    n_items: int,
    *,
    n_groups: int,
    generator: np.random.Generator,
) -> Strata:
    """Draws new groups and a new order of events within each block. O(events).

    The number of groups must not come from the number of threads, or the result would.
    """
    shuffled = generator.permutation(len(user))
    if n_groups == 1:
        return Strata(
            shuffled,
            np.array([[0, len(user)]]),
            np.arange(n_items, dtype=np.int32),
            np.array([0, n_items]),
        )
    user_group = _groups(n_users, n_groups, generator)
    item_group = _groups(n_items, n_groups, generator)
    block = user_group[user[shuffled]] * n_groups + item_group[item[shuffled]]
    # A stable sort keeps the shuffled order within each block.
    order = shuffled[np.argsort(block, kind="stable")]
    ends = np.cumsum(np.bincount(block, minlength=n_groups**2)).reshape(n_groups, n_groups)
    bounds = np.empty((n_groups, n_groups + 1), np.int64)
    bounds[:, 1:] = ends
    bounds[1:, 0] = ends[:-1, -1]
    bounds[0, 0] = 0
    members = np.argsort(item_group, kind="stable").astype(np.int32)
    sizes = np.bincount(item_group, minlength=n_groups)
    return Strata(order, bounds, members, np.concatenate([[0], np.cumsum(sizes)]))


def groups_for(n_events: int) -> int:
    """Returns how many groups suit a log of this size: one below a million events, then eight.

    Eight groups keep eight threads at work, and their smaller slices of the tables stay in cache.
    """
    return 1 if n_events < 1_000_000 else 8


def _groups(n: int, n_groups: int, generator: np.random.Generator) -> np.ndarray:
    """Deals n things to groups at random, evenly; int16 keeps the sort of blocks a radix sort."""
    return (generator.permutation(n) % n_groups).astype(np.int16)
