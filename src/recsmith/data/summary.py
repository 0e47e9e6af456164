"""Summary: what is in a log, in numbers: counts, density, long tail, ratings, activity, time, refusals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from recsmith.data.dataset import Dataset

SHARES = (0.01, 0.10, 0.20)
_CURVE_POINTS = 200
_MOST_WEIGHTS = 21
_MS_A_DAY = 86_400_000
_MOST_PERIODS = 1_000


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Says what is in a data set, as plain values that can be written as JSON."""

    name: str
    feedback: str
    n_interactions: int
    n_users: int
    n_items: int
    """Items with an interaction."""
    n_catalogue: int
    """Items in all, also those that nobody took."""
    density: float
    """Distinct user-item pairs / (users × items with an interaction)."""
    per_user: dict[str, float]
    """Interactions of a user: min, median, mean, p90, max."""
    per_item: dict[str, float]
    """Interactions of an item that has any: min, median, mean, p90, max."""
    gini: float
    """0 when every item with an interaction is as popular as the next, towards 1 when one has all."""
    top_shares: dict[str, float]
    """"1%" → the part of interactions that the most popular 1 % of these items have."""
    long_tail: list[dict[str, float]]
    """Points of the curve: rank (1 = most popular), count, share (of all interactions up to that rank)."""
    weights: list[dict[str, float]]
    """Each weight and its number of interactions; of ten bins (value = lower edge) when there are many."""
    mean_weight: float | None
    activity: list[dict[str, int]]
    """Users by their number of interactions: from, to (both included, powers of two), users."""
    first_time: str | None
    last_time: str | None
    over_time: list[dict[str, Any]]
    """Interactions in each day, month or year (UTC): period, count."""
    n_read: int
    refused: dict[str, int]
    duplicates: int
    duplicates_rule: str
    sources: list[str]
    steps: list[str]
    item_features: dict[str, str]
    user_features: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary as a dictionary for JSON."""
        return asdict(self)


def summarise(data: Dataset) -> Summary:
    """Returns the summary of a data set; O(n log n) in its interactions."""
    events = data.interactions
    per_user = np.bincount(events.user, minlength=data.n_users)
    per_item = np.bincount(events.item, minlength=data.n_items)
    taken = np.sort(per_item[per_item > 0])[::-1]
    active = per_user[per_user > 0]
    has_time = events.time is not None and len(events) > 0
    return Summary(
        name=data.name,
        feedback=data.feedback,
        n_interactions=len(events),
        n_users=len(active),
        n_items=len(taken),
        n_catalogue=data.n_items,
        density=_n_pairs(data) / max(len(active) * len(taken), 1),
        per_user=_spread(active),
        per_item=_spread(taken),
        gini=gini(taken),
        top_shares={f"{share:.0%}": top_share(taken, share) for share in SHARES},
        long_tail=_curve(taken),
        weights=_weights(events.weight),
        mean_weight=float(events.weight.mean(dtype=np.float64)) if len(events) else None,
        activity=_by_powers_of_two(active),
        first_time=_iso(int(events.time.min())) if has_time and events.time is not None else None,
        last_time=_iso(int(events.time.max())) if has_time and events.time is not None else None,
        over_time=_over_time(events.time) if has_time and events.time is not None else [],
        n_read=data.notes.n_read,
        refused=dict(data.notes.refused),
        duplicates=data.notes.duplicates,
        duplicates_rule=data.notes.duplicates_rule,
        sources=list(data.notes.sources),
        steps=list(data.notes.steps),
        item_features={feature.name: feature.kind for feature in data.item_features},
        user_features={feature.name: feature.kind for feature in data.user_features},
    )


def gini(counts: np.ndarray) -> float:
    """Returns the Gini coefficient: Σᵢ (2i − n − 1) xᵢ / (n Σ x), x ascending; 0 for no counts."""
    ascending = np.sort(counts).astype(np.float64)
    n = len(ascending)
    if n == 0 or ascending.sum() == 0:
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * ascending).sum() / (n * ascending.sum()))


def top_share(counts: np.ndarray, share: float) -> float:
    """Returns the part of interactions that the most popular `share` of items have, rounded up to an item."""
    if len(counts) == 0:
        return 0.0
    descending = np.sort(counts)[::-1]
    n_top = int(np.ceil(len(descending) * share - 1e-9))
    return float(descending[:n_top].sum() / descending.sum())


def _n_pairs(data: Dataset) -> int:
    """Returns the number of distinct user-item pairs."""
    events = data.interactions
    if data.notes.duplicates == 0 and data.notes.duplicates_rule.startswith("none"):
        return len(events)
    key = events.user.astype(np.int64) * data.n_items + events.item
    key.sort()
    return int((key[1:] != key[:-1]).sum()) + 1 if len(key) else 0


def _spread(counts: np.ndarray) -> dict[str, float]:
    if len(counts) == 0:
        return dict.fromkeys(("min", "median", "mean", "p90", "max"), 0.0)
    return {
        "min": float(counts.min()),
        "median": float(np.median(counts)),
        "mean": float(counts.mean()),
        "p90": float(np.quantile(counts, 0.9)),
        "max": float(counts.max()),
    }


def _curve(descending: np.ndarray) -> list[dict[str, float]]:
    """Returns points of the popularity curve, spaced evenly in the logarithm of the rank."""
    n = len(descending)
    if n == 0:
        return []
    ranks = np.unique(np.geomspace(1, n, min(n, _CURVE_POINTS)).round().astype(np.int64))
    so_far = np.cumsum(descending)
    return [
        {
            "rank": int(rank),
            "count": int(descending[rank - 1]),
            "share": float(so_far[rank - 1] / so_far[-1]),
        }
        for rank in ranks
    ]


def _weights(weight: np.ndarray) -> list[dict[str, float]]:
    values, counts = np.unique(weight, return_counts=True)
    if len(values) > _MOST_WEIGHTS:
        counts, edges = np.histogram(weight, bins=10)
        values = edges[:-1]
    return [{"value": float(value), "count": int(count)} for value, count in zip(values, counts)]


def _by_powers_of_two(counts: np.ndarray) -> list[dict[str, int]]:
    if len(counts) == 0:
        return []
    power = np.floor(np.log2(counts)).astype(np.int64)
    users = np.bincount(power)
    least = int(power.min())
    return [{"from": 2**p, "to": 2 ** (p + 1) - 1, "users": int(users[p])} for p in range(least, len(users))]


def _over_time(time: np.ndarray) -> list[dict[str, Any]]:
    """Counts interactions by day for up to 90 days, by month for up to 20 years, else by year.

    Periods without an interaction count 0. Times that span more than a thousand years give nothing.
    """
    span = (int(time.max()) - int(time.min())) / _MS_A_DAY
    unit = "D" if span <= 90 else "M" if span <= 20 * 366 else "Y"
    place = time.astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype(np.int64)
    first, n_periods = int(place.min()), int(place.max()) - int(place.min()) + 1
    if n_periods > _MOST_PERIODS:
        return []
    counts = np.bincount(place - first, minlength=n_periods)
    periods = (first + np.arange(n_periods)).astype(f"datetime64[{unit}]")
    return [{"period": str(period), "count": int(count)} for period, count in zip(periods, counts)]


def _iso(milliseconds: int) -> str:
    """Returns an instant in UTC; numbers beyond the calendar stay numbers."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms"
