"""What a report shows, as plain data: one frozen dataclass a section, none of which knows a model.

Whoever has the results (a run, a notebook, a test) fills these in; a section that is not given is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from recsmith.errors import InvalidValue, Shown

LOWER_IS_BETTER = frozenset({"RMSE", "MAE", "LogLoss"})


@dataclass(frozen=True, kw_only=True)
class Header:
    """Says which run this is: its name, when, on what data, split how, with which versions."""

    name: str
    made_at: datetime
    data: str = ""
    """The data set in a few words: "MovieLens latest-small"."""
    split: str = ""
    """The split's own sentence (`split.rule`)."""
    summary: str = ""
    """One or two sentences for the reader in a hurry; stands under the title."""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Is one headline figure: `Tile(label="Best NDCG@10", value=".142", note="ItemKNN, .131 to .153")`."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Holds each model's metrics with their 95 % intervals, and the metric that decides.

    `results` maps model → metric → {"value", "low", "high", "n_users"}, the shape of `metrics.json`;
    `low`, `high` and `n_users` may be missing or None. The order of metrics is that of the first model.
    """

    results: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    primary: str
    note: str = ""
    """How the figures were made: "Full ranking over all unseen items."."""
    warnings: Sequence[str] = ()
    """What makes the figures too good to be true, a sentence each; stands above them."""
    remarks: Sequence[str] = ()
    """What else is worth knowing about them; stands below."""

    def __post_init__(self) -> None:
        if not self.results:
            raise InvalidValue("results", "the metrics of at least one model", dict(self.results))
        if not any(self.primary in metrics for metrics in self.results.values()):
            raise InvalidValue("primary", f"one of the metrics {', '.join(self.metrics)}", self.primary)

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics, in the order in which they first appear."""
        return list(dict.fromkeys(name for metrics in self.results.values() for name in metrics))

    def ranked(self, metric: str) -> list[str]:
        """Returns the models that have this metric, best first; NaN counts as not having it."""
        known = [
            (float(value), place, model)
            for place, (model, metrics) in enumerate(self.results.items())
            if (value := metrics.get(metric, {}).get("value")) is not None and np.isfinite(value)
        ]
        sign = 1.0 if lower_is_better(metric) else -1.0
        return [
            model for _, _, model in sorted((sign * value, place, model) for value, place, model in known)
        ]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Is one model's learning curve: `Curve(model="FunkSVD", history=model.history)`.

    Each entry of `history` has "epoch" and the figures logged in that epoch.
    """

    model: str
    history: Sequence[Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class DataProfile:
    """Describes the log: counts, the long tail, the spread of weights and events, what was refused."""

    n_users: int
    n_items: int
    """The whole catalogue, also items nobody took."""
    n_interactions: int
    item_counts: np.ndarray
    """int[I]: interactions of each item, in any order; zeros may be left out."""
    user_counts: np.ndarray | None = None
    """int[U]: interactions of each user, in any order."""
    weights: Mapping[float, int] | None = None
    """How many interactions have each rating; leave out for implicit feedback."""
    weight_name: str = "Rating"
    months: Mapping[date, int] | None = None
    """Interactions in each month, under the month's first day."""
    first: datetime | None = None
    last: datetime | None = None
    refused: Mapping[str, int] | None = None
    """Rows refused at the door, by reason; empty when nothing was refused, None when nobody looked."""
    notes: Sequence[str] = ()
    """What the door and the filters did, a sentence each."""


@dataclass(frozen=True, kw_only=True)
class Crosstab:
    """Sets the most active users against the most rated items: what they gave, and what the model expects.

    NaN = no rating. The factors are for the workbook; the page shows `actual` and `predicted`.
    """

    user_ids: Sequence[str]
    titles: Sequence[str]
    actual: np.ndarray
    """float[U, I], NaN where the user did not rate."""
    predicted: np.ndarray | None = None
    """float[U, I]"""
    model: str = ""
    user_factors: np.ndarray | None = None
    """float[U, D]"""
    item_factors: np.ndarray | None = None
    """float[I, D]"""
    user_bias: np.ndarray | None = None
    """float[U]"""
    item_bias: np.ndarray | None = None
    """float[I]"""
    mean: float | None = None
    """The constant that the biases and the factors' product are added to."""

    def __post_init__(self) -> None:
        n_users, n_items = len(self.user_ids), len(self.titles)
        _check_shape("actual", self.actual, (n_users, n_items))
        _check_shape("predicted", self.predicted, (n_users, n_items))
        _check_shape("user_factors", self.user_factors, (n_users, None))
        _check_shape("item_factors", self.item_factors, (n_items, None))
        _check_shape("user_bias", self.user_bias, (n_users,))
        _check_shape("item_bias", self.item_bias, (n_items,))

    @property
    def error(self) -> np.ndarray | None:
        """float[U, I]: predicted minus actual; NaN where either is missing."""
        return None if self.predicted is None else self.predicted - self.actual


@dataclass(frozen=True, kw_only=True)
class ItemMap:
    """Lays the items out in the plane: neighbours on the map are alike to the model."""

    items: pl.DataFrame
    """Columns `x`, `y` (float), `title` (str), `group` (str: the first genre, may be null), `count` (int: its
    interactions, for the size of its dot)."""
    model: str = ""
    method: str = ""
    """How the plane was found: "First two principal components of the item vectors (31 % of variance)"."""

    def __post_init__(self) -> None:
        missing = {"x", "y", "title", "group", "count"} - set(self.items.columns)
        if missing:
            raise InvalidValue(
                "items",
                "a frame with columns x, y, title, group and count",
                Shown(", ".join(self.items.columns)),
            )


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Is an item the person liked that led to a recommendation, and its contribution to the score."""

    title: str
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Is one recommended item with its reasons, the strongest first."""

    title: str
    score: float
    groups: Sequence[str] = ()
    """The item's genres."""
    because: Sequence[Reason] = ()
    hit: bool = False
    """True when the item is among those held out for the test: the person did take it."""


@dataclass(frozen=True, kw_only=True)
class Liked:
    """Is one item of a person's history, with what they gave it."""

    title: str
    weight: float | None = None
    groups: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Person:
    """Is one user with a sample of the history and the recommendations, best first."""

    name: str
    """"User 42", or for a new person "Someone new"."""
    picks: Sequence[Pick]
    liked: Sequence[Liked] = ()
    n_history: int | None = None
    """How many items the whole history has, where `liked` is a sample."""
    is_new: bool = False
    """True for somebody who was not in training."""
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Is a paired test: `difference` = metric of `model` minus metric of `baseline`, over the same users."""

    model: str
    baseline: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float | None = None
    n_users: int | None = None


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Says how long a step of a model took: `Timing(model="EASE", step="fit", seconds=3.2)`."""

    model: str
    step: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class FeatureCrosses:
    """Says how much each pair of features matters to a model: `weights` float[F, F], 0 or more."""

    names: Sequence[str]
    weights: np.ndarray
    model: str = ""

    def __post_init__(self) -> None:
        _check_shape("weights", self.weights, (len(self.names), len(self.names)))


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Is one trial of a search: the settings tried and, where it was judged to the end, its figure."""

    number: int
    state: str
    """"done", "pruned" (ended early), "failed" or "stopped" (with the search)."""
    settings: Mapping[str, Any]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    is_own: bool = False
    """True for the settings that the search began with."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Holds the trials of a search for settings, the best first, and how much each setting mattered."""

    model: str
    metric: str
    trials: Sequence[Trial]
    settings: Sequence[str]
    ranges: Mapping[str, bool] = field(default_factory=dict)
    """The settings that are numbers → whether they are drawn by ratio; the others are choices."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """Setting → its share in what tells the better trials from the rest."""

    @property
    def best(self) -> Trial | None:
        """The best trial, or None when none was judged to the end."""
        return next((trial for trial in self.trials if trial.value is not None), None)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Says what the run ran on ({"Python": "3.11.4", "CPU": "…"}) and how long its steps took."""

    facts: Mapping[str, str] = field(default_factory=dict)
    timings: Sequence[Timing] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """Is a whole report; every section but the header may be left out."""

    header: Header
    tiles: Sequence[Tile] = ()
    leaderboard: Leaderboard | None = None
    ratings: Leaderboard | None = None
    """How well ratings are predicted: RMSE and MAE, by a protocol of their own."""
    comparisons: Sequence[Comparison] = ()
    people: Sequence[Person] = ()
    item_map: ItemMap | None = None
    crosstab: Crosstab | None = None
    crosses: FeatureCrosses | None = None
    search: Search | None = None
    curves: Sequence[Curve] = ()
    profile: DataProfile | None = None
    recipe: str = ""
    """The resolved recipe, as TOML."""
    environment: Environment | None = None


def lower_is_better(metric: str) -> bool:
    """Says whether less of this metric is better (errors and losses)."""
    return metric.split("@")[0] in LOWER_IS_BETTER


def _check_shape(name: str, array: np.ndarray | None, shape: tuple[int | None, ...]) -> None:
    if array is None:
        return
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape))
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InvalidValue(name, f"an array of shape ({wanted})", Shown(str(array.shape)))
