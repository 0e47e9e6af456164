"""From data, models and figures to what a report shows: profile, item map, people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from recsmith.data import Dataset, Split
from recsmith.errors import InvalidValue
from recsmith.models import Pipeline
from recsmith.models.base import Recommender
from recsmith.models.capabilities import CrossesFeatures, HasVectors
from recsmith.report import (
    DataProfile,
    FeatureCrosses,
    ItemMap,
    Liked,
    Person,
    Pick,
    Reason,
)
from recsmith.runs.lists import Advisor
from recsmith.types import Id

N_LIKED = 6
MOST_STARS = 21
MOST_MAPPED = 1200


def profile(data: Dataset) -> DataProfile:
    """Describes a data set: counts, tails, ratings, months, and what the door refused."""
    events = data.interactions
    user_counts = np.bincount(events.user, minlength=data.n_users)
    weights = None
    if data.feedback == "ratings":
        values, counts = np.unique(events.weight, return_counts=True)
        if len(values) <= MOST_STARS:
            weights = {float(value): int(n) for value, n in zip(values, counts, strict=True)}
    months, first, last = None, None, None
    if events.time is not None and len(events):
        first, last = (_moment(at(events.time)) for at in (np.min, np.max))
        months = _months(events.time)
    return DataProfile(
        n_users=int((user_counts > 0).sum()),
        n_items=data.n_items,
        n_interactions=len(data),
        item_counts=np.bincount(events.item, minlength=data.n_items),
        user_counts=user_counts[user_counts > 0],
        weights=weights,
        months=months,
        first=first,
        last=last,
        refused=data.notes.refused,
        notes=notes(data),
    )


def notes(data: Dataset) -> tuple[str, ...]:
    """Says in sentences what happened to the data on their way in."""
    told = data.notes
    repeats = (
        (f"{told.duplicates:,} repeated events: {told.duplicates_rule}.",)
        if told.duplicates and told.duplicates_rule
        else ()
    )
    return (*repeats, *(step if step.endswith(".") else f"{step}." for step in told.steps))


def item_map(model: HasVectors) -> ItemMap:
    """Lays the most taken items out on the first two principal components of their vectors."""
    memory = model.memory
    # The vector of an item that few took is mostly noise, and such items are so many that they would decide
    # where the axes lie.
    head_I = np.sort(np.argsort(-memory.popularity, kind="stable")[:MOST_MAPPED])
    taken_I = head_I[memory.popularity[head_I] > 0]
    vector_ID = np.asarray(model.item_vectors()[taken_I], np.float64)
    # Directions, not lengths: otherwise the map's first axis is popularity.
    unit_ID = vector_ID / np.maximum(np.linalg.norm(vector_ID, axis=1, keepdims=True), 1e-12)
    centred_ID = unit_ID - unit_ID.mean(axis=0)
    value_D, axis_DD = np.linalg.eigh(centred_ID.T @ centred_ID)
    best_D = np.argsort(-value_D, kind="stable")[:2]
    plane_I2 = centred_ID @ axis_DD[:, best_D]
    if plane_I2.shape[1] < 2:
        plane_I2 = np.hstack([plane_I2, np.zeros((len(plane_I2), 1))])
    # An eigenvector's sign is free; the largest coordinate is made positive so that the map stays put.
    plane_I2 *= np.sign(plane_I2[np.abs(plane_I2).argmax(axis=0), [0, 1]])
    share = value_D[best_D].sum() / max(value_D.sum(), 1e-12)
    rows = memory.catalogue[taken_I.tolist()]
    items = pl.DataFrame(
        {
            "x": plane_I2[:, 0],
            "y": plane_I2[:, 1],
            "title": rows["title"].cast(pl.String),
            "group": _first_group(rows),
            "count": memory.popularity[taken_I].astype(np.int64),
        }
    )
    return ItemMap(
        items=items,
        model=type(model).__name__,
        method=(
            f"The {len(items):,} most taken items on the two principal components "
            f"of their vectors' directions ({share:.0%} of the variance)."
        ),
    )


def crosses(model: Recommender) -> FeatureCrosses | None:
    """Returns which products of features a model, or a stage of it, uses, where it knows."""
    if isinstance(model, Pipeline):
        of_stages = (crosses(stage) for stage in (model.ranker, model.retriever))
        return next((found for found in of_stages if found is not None), None)
    if not isinstance(model, CrossesFeatures):
        return None
    try:
        names, weight_FF = model.feature_crosses()
    except InvalidValue:  # DCN's first version has no weight for a pair
        return None
    return FeatureCrosses(names=names, weights=weight_FF, model=type(model).__name__)


def person(
    advisor: Advisor,
    name: str,
    *,
    user_id: Id | None = None,
    likes: Sequence[Id] = (),
    split: Split | None = None,
) -> Person:
    """Shows somebody: what they liked most, what they get, why, and whether the test proves it right."""
    memory = advisor.model.memory
    if user_id is None:
        history: Mapping[Id, float] = dict.fromkeys(likes, memory.liked_weight)
        lines = advisor.for_history(history)
        hits: set[Id] = set()
    else:
        history = advisor.history(user_id)
        lines = advisor.for_users([user_id], unknown="popular")[0]["recommendations"]
        hits = _held_out(split, user_id) if split is not None else set()
    groups = _groups(memory.catalogue)
    # The latest of the best liked: what a person remembers having liked.
    newest_first = list(history.items())[::-1]
    liked = sorted(newest_first, key=lambda entry: -entry[1])[:N_LIKED]
    return Person(
        name=name,
        liked=[
            Liked(
                title=advisor.titles.title(item),
                weight=weight if memory.feedback == "ratings" and user_id is not None else None,
                groups=groups.get(item, ()),
            )
            for item, weight in liked
        ],
        n_history=len(history),
        is_new=user_id is None,
        model=type(advisor.model).__name__,
        picks=[
            Pick(
                title=line["title"],
                score=line["score"],
                groups=groups.get(line["item_id"], ()),
                because=[Reason(title=one["title"], share=one["weight"]) for one in line["because"]],
                hit=line["item_id"] in hits,
            )
            for line in lines
        ],
    )


def _held_out(split: Split, user_id: Id) -> set[Id]:
    code = int(split.train.users.encode([user_id])[0])
    return set(split.train.items.decode(split.test.item[split.test.user == code]))


def _groups(catalogue: pl.DataFrame) -> dict[Id, tuple[str, ...]]:
    column = _group_column(catalogue)
    if column is None:
        return {}
    return {
        item: tuple(value) if isinstance(value, list) else (str(value),)
        for item, value in zip(catalogue["item_id"], catalogue[column].to_list(), strict=True)
        if value
    }


def _first_group(catalogue: pl.DataFrame) -> pl.Series:
    column = _group_column(catalogue)
    if column is None:
        return pl.Series([None] * len(catalogue), dtype=pl.String)
    values = catalogue[column]
    return values.list.first() if isinstance(values.dtype, pl.List) else values.cast(pl.String)


def _group_column(catalogue: pl.DataFrame) -> str | None:
    """Returns the column that tells what kind of item it is: genres, or the first list of words."""
    lists = [name for name, dtype in catalogue.schema.items() if dtype == pl.List(pl.String)]
    for usual in ("genres", "genre", "category", "categories"):
        if usual in catalogue.columns:
            return usual
    return lists[0] if lists else None


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _months(time: np.ndarray) -> dict[date, int]:
    month = pl.Series(time).cast(pl.Datetime("ms")).dt.truncate("1mo").dt.date()
    counted = month.value_counts(name="n").sort(month.name)
    return dict(zip(counted[month.name].to_list(), counted["n"].to_list(), strict=True))
