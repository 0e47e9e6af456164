"""What an experiment found: the share of lists that led to something, by side, with intervals; and what lists
that were not drawn at random would have led to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsmith.evaluation.off_policy import Estimate, doubly_robust, ips, snips
from recsmith.serving.store import Store

_HOUR = 3_600_000
_DRAWS = 2000


@dataclass(frozen=True)
class Side:
    """Is one side of an experiment: people, lists shown, the mean over people of their lists' hit rate."""

    name: str
    n_people: int
    n_lists: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ExperimentReport:
    """Holds the sides and, for each but the first by name, its difference from the first."""

    sides: tuple[Side, ...]
    differences: Mapping[str, tuple[float, float, float]]


def report(store: Store, name: str, *, hours: float = 24.0) -> ExperimentReport:
    """Judges what was shown under an experiment's name.

    A list is a hit when its person takes one of its items within `hours`. A person counts once: the mean of
    their lists. Intervals are bootstraps over people, who are what was drawn.
    """
    lists = [row for row in store.all_shown() if row.variant.partition("/")[0] == name]
    hits = hit_lists(store, lists, hours=hours)
    people: dict[str, dict[str, list[float]]] = {}
    for row, hit in zip(lists, hits, strict=True):
        people.setdefault(row.variant.partition("/")[2], {}).setdefault(row.user_id, []).append(float(hit))
    drawn = np.random.default_rng(0)
    sides, means, boots = [], {}, {}
    for side in sorted(people):
        value_n = np.array([np.mean(values) for values in people[side].values()])
        boot = value_n[drawn.integers(0, len(value_n), (_DRAWS, len(value_n)))].mean(axis=1)
        low, high = np.quantile(boot, (0.025, 0.975))
        n_lists = sum(map(len, people[side].values()))
        sides.append(Side(side, len(value_n), n_lists, float(value_n.mean()), float(low), float(high)))
        means[side], boots[side] = float(value_n.mean()), boot
    differences = {}
    for side in sorted(people)[1:]:
        first = sides[0].name
        low, high = np.quantile(boots[side] - boots[first], (0.025, 0.975))
        differences[side] = (means[side] - means[first], float(low), float(high))
    return ExperimentReport(tuple(sides), differences)


def greedy(store: Store, *, hours: float = 24.0) -> dict[str, Estimate]:
    """Estimates, from lists that were drawn, how often the first place hits when it is never drawn.

    Each list was shown with the chance that its first item had of being first (`explore`). IPS, SNIPS and
    doubly robust, whose prediction is the hit rate of the rank that the item had in the model's own order.
    """
    lists = [row for row in store.all_shown() if row.propensities and row.items]
    first = [_First(row.user_id, row.time, row.items[:1]) for row in lists]
    reward_n = np.array(hit_lists(store, first, hours=hours), float)
    chance_n = np.array([row.propensities["chance"] for row in lists], float)
    rank_n = np.array([row.propensities["rank"] for row in lists])
    target_n = (rank_n == 1).astype(float)
    if not len(lists):
        return {}
    overall = reward_n.mean()
    of_rank = {
        rank: (reward_n[rank_n == rank].sum() + overall) / ((rank_n == rank).sum() + 1)
        for rank in np.unique(rank_n)
    }
    predicted_n = np.array([of_rank[rank] for rank in rank_n])
    expected_n = np.full(len(lists), of_rank.get(1, overall))
    return {
        "IPS": ips(reward_n, chance_n, target_n),
        "SNIPS": snips(reward_n, chance_n, target_n),
        "doubly robust": doubly_robust(
            reward_n, chance_n, target_n, predicted_n=predicted_n, expected_n=expected_n
        ),
    }


@dataclass(frozen=True)
class _First:
    user_id: str
    time: int
    items: list[str]


def hit_lists(store: Store, lists: Iterable[Any], *, hours: float) -> list[bool]:
    """Says of each list whether its person took one of its items within so many hours after it was shown."""
    took: dict[str, list[tuple[int, str]]] = {}
    hits = []
    for row in lists:
        if row.user_id not in took:
            events = store.history(row.user_id, limit=1_000_000)
            took[row.user_id] = [(event.time, event.item_id) for event in events]
        shown, until = set(row.items), row.time + hours * _HOUR
        hits.append(any(row.time <= time <= until and item in shown for time, item in took[row.user_id]))
    return hits
