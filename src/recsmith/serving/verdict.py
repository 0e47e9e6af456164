"""What an experiment found: the share of lists that led to something, by side, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def report(store: Store, name: str, *, hours: float = 24.0, newest: int | None = None) -> ExperimentReport:
    """Judges what was shown under an experiment's name.

    A list is a hit when its person takes one of its items within `hours`. A person counts once: the mean of
    their lists. Intervals are bootstraps over people, who are what was drawn. Only the `newest` lists are
    judged where that is given.
    """
    lists = store.shown_in(name, newest=newest)
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


def hit_lists(store: Store, lists: Iterable[Any], *, hours: float) -> list[bool]:
    """Says of each list whether its person took one of its items within so many hours after it was shown."""
    asked = list(lists)
    took: dict[str, list[tuple[int, str]]] = {row.user_id: [] for row in asked}
    first = min((row.time for row in asked), default=0)
    for event in store.events_of(sorted(took), since=first):
        took[event.user_id].append((event.time, event.item_id))
    hits = []
    for row in asked:
        shown, until = set(row.items), row.time + hours * _HOUR
        hits.append(any(row.time <= time <= until and item in shown for time, item in took[row.user_id]))
    return hits
