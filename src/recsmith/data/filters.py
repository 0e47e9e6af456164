"""Filters: which interactions are kept, each rule under its own name, each saying what it took out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset
from recsmith.data.instant import milliseconds
from recsmith.data.interactions import Interactions
from recsmith.data.vocabulary import Vocabulary
from recsmith.errors import DataError, InvalidValue


def min_rating(data: Dataset, *, rating: float) -> Dataset:
    """Keeps interactions with at least this weight; items stay in the catalogue, users left empty do not."""
    mask = data.interactions.weight >= np.float32(rating)
    return _keep_events(data, mask, f"min_rating {rating:g}")


def date_range(
    data: Dataset, *, since: str | datetime | None = None, until: str | datetime | None = None
) -> Dataset:
    """Keeps interactions from `since` on and before `until` (ISO 8601; UTC where no zone is given)."""
    if since is None and until is None:
        raise InvalidValue("date_range", "given since, until or both", None)
    time = data.interactions.time
    if time is None:
        raise DataError(
            f"date_range must have times to go by. Got {data.name} without. Name the time column."
        )
    mask = np.ones(len(time), bool)
    if since is not None:
        mask &= time >= milliseconds("since", since)
    if until is not None:
        mask &= time < milliseconds("until", until)
    said = " ".join(f"{word} {value}" for word, value in (("since", since), ("until", until)) if value)
    return _keep_events(data, mask, f"date_range {said}")


def min_interactions(data: Dataset, *, per_user: int | None = None, per_item: int | None = None) -> Dataset:
    """Keeps users and items with at least so many interactions, in one pass.

    Both are counted before anything is taken out, so afterwards some may have fewer: `k_core` repeats until
    none has. Users and items with too few leave the vocabularies.
    """
    if per_user is None and per_item is None:
        raise InvalidValue("min_interactions", "given per_user, per_item or both", None)
    events = data.interactions
    user_alive = _counts(events.user, data.n_users) >= _at_least_one("per_user", per_user)
    item_alive = _counts(events.item, data.n_items) >= _at_least_one("per_item", per_item)
    if per_item is None:
        item_alive = np.ones(data.n_items, bool)
    mask = user_alive[events.user] & item_alive[events.item]
    wanted = ", ".join(
        f"{word} {n}" for word, n in (("per_user", per_user), ("per_item", per_item)) if n is not None
    )
    if per_item is None:
        return _keep_events(data, mask, f"min_interactions {wanted}")
    return _keep_events(data, mask, f"min_interactions {wanted}", items=item_alive)


def k_core(
    data: Dataset, *, k: int | None = None, per_user: int | None = None, per_item: int | None = None
) -> Dataset:
    """Keeps the largest part of the log in which every user and every item has enough interactions.

    `k` stands for both `per_user` and `per_item`. Takes out users and items with too few, again and again
    until none is left to take out, O(events) a round; the result does not depend on the order.
    """
    if (k is None) == (per_user is None and per_item is None):
        raise InvalidValue("k_core", "given either k or per_user and per_item", (k, per_user, per_item))
    least_user = _at_least_one("per_user", per_user if k is None else k)
    least_item = _at_least_one("per_item", per_item if k is None else k)
    user, item = data.interactions.user, data.interactions.item
    user_alive, item_alive = np.ones(data.n_users, bool), np.ones(data.n_items, bool)
    mask = np.ones(len(user), bool)
    n_rounds = 0
    while True:
        next_user = _counts(user[mask], data.n_users) >= least_user
        next_item = _counts(item[mask], data.n_items) >= least_item
        if (next_user[user[mask]]).all() and (next_item[item[mask]]).all():
            break
        mask &= next_user[user] & next_item[item]
        n_rounds += 1
    user_alive = _counts(user[mask], data.n_users) > 0
    item_alive = _counts(item[mask], data.n_items) > 0
    wanted = f"{k}" if k is not None else f"per_user {least_user}, per_item {least_item}"
    said = f"k_core {wanted} ({n_rounds} {'round' if n_rounds == 1 else 'rounds'})"
    return _keep_events(data, mask, said, users=user_alive, items=item_alive)


def _keep_events(
    data: Dataset,
    mask: np.ndarray,
    said: str,
    *,
    users: np.ndarray | None = None,
    items: np.ndarray | None = None,
) -> Dataset:
    """Returns the events of the mask; users without any leave, items leave where `items` says so."""
    if not mask.any():
        raise DataError(f"{said} must leave at least one interaction. Got none of {len(mask):,}.")
    events = data.interactions.select(mask)
    user_kept = users if users is not None else _counts(events.user, data.n_users) > 0
    item_kept = items if items is not None else np.ones(data.n_items, bool)
    gone = [
        f"{len(mask) - len(events):,} interactions",
        f"{int((~user_kept).sum()):,} users",
        f"{int((~item_kept).sum()):,} items",
    ]
    sentence = f"{said} took out {gone[0]}, {gone[1]}, {gone[2]}; {len(events):,} interactions stay"
    return _shrunk(replace(data, interactions=events), user_kept, item_kept, sentence)


def _shrunk(data: Dataset, users: np.ndarray, items: np.ndarray, sentence: str) -> Dataset:
    """Returns the data set with the vocabularies of the users and items kept, in their old order."""
    events = data.interactions
    new_user, new_item = np.cumsum(users) - 1, np.cumsum(items) - 1
    user = events.user if users.all() else new_user.astype(np.int32)[events.user]
    item = events.item if items.all() else new_item.astype(np.int32)[events.item]
    return replace(
        data,
        interactions=Interactions(user, item, events.weight, events.time),
        users=data.users if users.all() else Vocabulary(data.users.ids.filter(pl.Series(users))),
        items=data.items if items.all() else Vocabulary(data.items.ids.filter(pl.Series(items))),
        user_table=None if data.user_table is None else data.user_table.filter(pl.Series(users)),
        item_table=None if data.item_table is None else data.item_table.filter(pl.Series(items)),
        notes=data.notes.and_then(sentence),
    )


def _counts(codes: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(codes, minlength=n)


def _at_least_one(name: str, n: int | None) -> int:
    if n is not None and n < 1:
        raise InvalidValue(name, "1 or more", n)
    return n or 1
