"""Refresh: trains on what the store holds, judges on its newest events, publishes what is not worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from recsmith.config import Run
from recsmith.config.recipe import ModelRecipe
from recsmith.data import Dataset
from recsmith.data.dataset import Feedback
from recsmith.data.door.door import read_frame
from recsmith.data.features import add_item_table
from recsmith.errors import InvalidValue
from recsmith.kernels.topk import top_k
from recsmith.models import Recommender
from recsmith.models.scoring import block_rows
from recsmith.runs.build import make_model
from recsmith.serving.records import Event, Item
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions

K = 10
ENOUGH = 100
"""People whose newest events are held back, if half of what is new has so many."""
TOO_FEW = 30
"""With fewer people a difference may well be chance; the mean still decides, and the answer says so."""
_PEOPLE = 5_000  # judged at most; drawn evenly
_CURE = "Try again after more events, or publish with --anyway"


@dataclass(frozen=True)
class Refreshed:
    """Says what a refresh did: `version` is None when nothing was published, and `why` says why."""

    version: str | None
    why: str
    n_events: int
    n_new: int
    judged: Mapping[str, float]
    """`before` and `after`: NDCG@10 of the model in place and of the new one; `difference`, `low`, `high`."""


def refresh(
    versions: Versions,
    store: Store,
    *,
    margin: float = 0.005,
    min_new: int = 1,
    anyway: bool = False,
    run: Run | None = None,
    now: datetime | None = None,
) -> Refreshed:
    """Retrains the recipe of the model in place and publishes it when it is not worse by more than `margin`.

    The newest events that came since, of `ENOUGH` people but at most half, are held back; a model fitted on
    the rest and the model in place rank them for the same people with the same visible histories. When nobody
    can be asked, nothing is published. `anyway` publishes what is worse or cannot be judged too. What is
    published is fitted on everything. The figures stay with the version.
    """
    current = versions.current()
    if current is None:
        raise InvalidValue("place", "a folder with a published model", str(versions.folder))
    old, about = versions.load(current)
    if "recipe" not in about:
        cure = "Serve a run or a saved model instead of a bundle."
        raise InvalidValue(f"version {current}", "published with its recipe", about.get("model"), cure)
    through = store.last_seq()
    events = [event for block in store.all_events(through=through) for event in block]
    n_new = len(events) - store.count_events(through=int(about.get("through", 0)))
    if n_new < min_new:
        return Refreshed(None, f"{n_new} new events, {min_new} are wanted", len(events), n_new, {})
    items = [item for item in store.items_since(0) if not item.deleted]
    recipe = ModelRecipe.model_validate(about["recipe"])
    feedback: Feedback = old.memory.feedback
    train, test = hold_back(events, n_new)
    asked = run or Run()
    trial = make_model(recipe).fit(as_data(train, items, feedback), run=replace(asked, history=[]))
    judged = compare_on(old, trial, train, test)
    good, why = verdict(judged, margin)
    if not good and not anyway:
        return Refreshed(None, f"{why}. {_CURE}", len(events), n_new, judged)
    model = make_model(recipe).fit(as_data(events, items, feedback), run=replace(asked, history=[]))
    version = versions.publish(
        model,
        {
            **{key: about[key] for key in ("model", "data", "recipe") if key in about},
            "trained": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
            "through": through,
            "n_events": len(events),
            "metrics": _metrics(judged),
            "judged": dict(judged),
            "parent": current,
        },
    )
    return Refreshed(version, why if good else f"{why}; published all the same", len(events), n_new, judged)


def verdict(judged: Mapping[str, float], margin: float) -> tuple[bool, str]:
    """Says whether a model that was judged so may be published, and why."""
    if not judged:
        return False, "nobody with a history took anything new since, so there is nobody to judge by"
    n_people = int(judged["n_users"])
    few = f" for {n_people} {'person' if n_people == 1 else 'people'}, too few to be sure"
    sure = "" if n_people >= TOO_FEW else few
    if judged["difference"] < -margin:
        worse = f"worse by {-judged['difference']:.4f}, more than {margin:g}"
        return False, f"NDCG@{K} on the newest events is {worse}{sure}"
    return True, f"not worse than the model in place{sure}"


def hold_back(events: Sequence[Event], n_new: int) -> tuple[list[Event], list[Event]]:
    """Returns what the trial is fitted on, in order of time, and what it is judged by.

    `events` are in the order in which they came; the last `n_new` came after the training of the model in
    place. Only those are held back, the newest by time among them: an event that came before is no test of
    who learnt it, however new, and one that came late is no news, however late.
    """
    n_known = len(events) - n_new
    news = sorted(events[n_known:], key=_time)
    first = first_held_back(news)
    return sorted([*events[:n_known], *news[:first]], key=_time), news[first:]


def first_held_back(news: Sequence[Event]) -> int:
    """Returns where the held-back events begin: of `ENOUGH` people, but at most half of what is new."""
    first = len(news) // 2
    people: set[str] = set()
    for place in range(len(news) - 1, first - 1, -1):
        people.add(news[place].user_id)
        if len(people) >= ENOUGH and len(news) - place >= ENOUGH:
            return place
    return first


def _time(event: Event) -> int:
    return event.time


def as_data(events: Sequence[Event], items: Sequence[Item], feedback: Feedback) -> Dataset:
    """Returns the store's events and catalogue as a data set; ids are integers where all of them are."""
    frame = pl.DataFrame(
        {
            "user_id": [event.user_id for event in events],
            "item_id": [event.item_id for event in events],
            "weight": [event.weight for event in events],
            "time": [event.time for event in events],
        }
    )
    known = pl.DataFrame({"item_id": [item.item_id for item in items], "title": [i.title for i in items]})
    names = sorted({name for item in items for name in item.data})
    known = known.with_columns(
        [pl.Series(name, [item.data.get(name) for item in items], strict=False) for name in names]
    )
    for name in ("user_id", "item_id"):
        frame = frame.with_columns(_as_integers(frame[name]))
    known = known.with_columns(known["item_id"].cast(frame["item_id"].dtype, strict=False)).drop_nulls(
        "item_id"
    )
    if frame["item_id"].dtype == pl.Int64 and len(known) < len(items):
        frame = frame.with_columns(pl.col("item_id").cast(pl.String))
        known = pl.DataFrame({"item_id": [i.item_id for i in items], "title": [i.title for i in items]})
    data = read_frame(
        frame,
        user="user_id",
        item="item_id",
        weight="weight",
        time="time",
        time_unit="ms",
        feedback=feedback,
        name="store",
    )
    return add_item_table(data, known)


def _as_integers(column: pl.Series) -> pl.Series:
    whole = column.cast(pl.Int64, strict=False)
    return column if whole.null_count() else whole


def _metrics(judged: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns a new version's figure as a run's metrics have it."""
    if not judged:
        return {}
    named = {"value": "after", "low": "after_low", "high": "after_high", "n_users": "n_users"}
    return {f"NDCG@{K}": {name: judged[key] for name, key in named.items()}}


def compare_on(
    old: Recommender, new: Recommender, train: Sequence[Event], test: Sequence[Event]
) -> dict[str, float]:
    """Returns NDCG@10 of both on what people took last, each from the same visible history.

    `low` and `high` are the 95 % bootstrap interval of the difference over people, `after_low` and
    `after_high` that of the new one's own figure.
    """
    visible: dict[str, dict[Any, float]] = {}
    for event in train:
        visible.setdefault(event.user_id, {})[event.item_id] = event.weight
    taken: dict[str, set[str]] = {}
    for event in test:
        if event.item_id not in visible.get(event.user_id, {}):
            taken.setdefault(event.user_id, set()).add(event.item_id)
    people = sorted(user for user in taken if visible.get(user))
    if not people:
        return {}
    step = max(1, -(-len(people) // _PEOPLE))
    people = people[::step]
    before, after = (
        ndcg(model, [visible[user] for user in people], [taken[user] for user in people])
        for model in (old, new)
    )
    difference = after - before
    drawn = np.random.default_rng(0).integers(0, len(people), (1000, len(people)))
    (low, high), (after_low, after_high) = (
        np.quantile(value[drawn].mean(axis=1), (0.025, 0.975)) for value in (difference, after)
    )
    return {
        "before": float(before.mean()),
        "after": float(after.mean()),
        "after_low": float(after_low),
        "after_high": float(after_high),
        "difference": float(difference.mean()),
        "low": float(low),
        "high": float(high),
        "n_users": float(len(people)),
    }


def ndcg(model: Recommender, visible: Sequence[Mapping[Any, float]], taken: Sequence[set[str]]) -> np.ndarray:
    """Returns NDCG@10 of each person, float64; what a model does not know it cannot find."""
    rows = model.memory.of_items(list(visible))
    scorer = model._scorer(exclude_seen=True, unknown="popular", allowed=None)
    gain_K = 1 / np.log2(np.arange(2, K + 2))
    value = np.zeros(len(taken))
    at_once = block_rows(len(model.memory.items))
    for start in range(0, len(taken), at_once):
        stop = min(start + at_once, len(taken))
        codes, _ = top_k(scorer.rows(rows.block(start, stop)), min(K, len(model.memory.items)))
        for row in range(start, stop):
            wanted = set(model.memory.items.encode(sorted(taken[row])).tolist()) - {-1}
            hits = np.isin(codes[row - start], list(wanted))
            value[row] = (hits * gain_K[: len(hits)]).sum() / gain_K[: min(len(taken[row]), K)].sum()
    return value
