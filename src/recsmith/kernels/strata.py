"""Strata: SGD on many threads with one result, by blocks that share neither user nor item. Gemulla et al.,
Large-scale matrix factorization with distributed stochastic gradient descent, KDD 2011."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Strata:
    """Holds events in an order in which block (g, h) is rows bounds[g, h] to bounds[g, h + 1].

    Block (g, h) holds the events of user group g and item group h. In round r the blocks (g, (g + r) mod G)
    touch different users and different items: they may run in any order or at once and change nothing in
    each other's result. `members` lists the items by group, group h at `member_bounds[h] : [h + 1]`.
    """

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray
    """What the events carry; empty where they carry nothing."""
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
    value: np.ndarray,
    n_users: int,
    n_items: int,
    *,
    n_groups: int,
    generator: np.random.Generator,
) -> Strata:
    """Draws new groups and a new order of events within each block. O(events).

    The number of groups must not come from the number of threads, or the result would. Blocks are shuffled
    after they are dealt: a block fits the cache where the log does not.
    """
    user_group, item_group = (_groups(n, n_groups, generator) for n in (n_users, n_items))
    bounds = np.zeros((n_groups, n_groups + 1), np.int64)
    dealt = np.empty_like(user), np.empty_like(item), np.empty_like(value)
    key = generator.integers(2**63, dtype=np.uint64)
    _deal(user, item, value, user_group, item_group, n_groups, key, *dealt, bounds)
    members = np.argsort(item_group, kind="stable").astype(np.int32)
    sizes = np.bincount(item_group, minlength=n_groups)
    return Strata(*dealt, bounds, members, np.concatenate([[0], np.cumsum(sizes)]))


@njit(nogil=True, cache=True)
def _deal(user, item, value, user_group, item_group, n_groups, key, to_user, to_item, to_value, bounds):
    """Deals events to blocks, in place, and shuffles each (Fisher and Yates; draws are hashes of the key)."""
    has_value = len(value) > 0
    n_blocks = n_groups * n_groups
    start = np.zeros(n_blocks + 1, np.int64)
    for event in range(len(user)):
        start[user_group[user[event]] * n_groups + item_group[item[event]] + 1] += 1
    for block in range(n_blocks):
        start[block + 1] += start[block]
        bounds[block // n_groups, block % n_groups] = start[block]
        bounds[block // n_groups, block % n_groups + 1] = start[block + 1]
    place = start[:-1].copy()
    for event in range(len(user)):
        block = user_group[user[event]] * n_groups + item_group[item[event]]
        to_user[place[block]] = user[event]
        to_item[place[block]] = item[event]
        if has_value:
            to_value[place[block]] = value[event]
        place[block] += 1
    state = np.uint64(key)
    for block in range(n_blocks):
        first = start[block]
        for last in range(start[block + 1] - 1, first, -1):
            state += np.uint64(0x9E3779B97F4A7C15)
            upper = mix(state) >> np.uint64(32)
            drawn = first + np.int64((upper * np.uint64(last - first + 1)) >> np.uint64(32))
            to_user[last], to_user[drawn] = to_user[drawn], to_user[last]
            to_item[last], to_item[drawn] = to_item[drawn], to_item[last]
            if has_value:
                to_value[last], to_value[drawn] = to_value[drawn], to_value[last]


@njit(nogil=True, cache=True)
def mix(x):
    """Scrambles 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    y = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (y ^ (y >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def strides(n_events: int, generator: np.random.Generator) -> tuple[int, int]:
    """Draws an event to begin with and a stride, that meets each event once.

    In a log that lies shuffled, that is another order of its events, and costs nothing.
    """
    if n_events < 2:
        return 0, 0
    first = int(generator.integers(n_events))
    while True:
        stride = int(generator.integers(1, n_events))
        if math.gcd(stride, n_events) == 1:
            return first, stride


def groups_for(n_events: int, *, many: int = 8) -> int:
    """Returns how many groups suit a log of this size: one below 250,000 events, then `many`.

    So many threads have work, and the more there are, the surer a group's slices of the tables stay in cache;
    but a block is a call, and events in it come in an order of their own.
    """
    return 1 if n_events < 250_000 else many


def _groups(n: int, n_groups: int, generator: np.random.Generator) -> np.ndarray:
    """Deals n things to groups at random, evenly; int16 keeps the sort of blocks a radix sort."""
    return (generator.permutation(n) % n_groups).astype(np.int16)
