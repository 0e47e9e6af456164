"""Small data whose answers are known, for tests of models and of what is built on them."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsmith.data import Dataset, Feature, Interactions, Vocabulary
from recsmith.rng import generator

FOUR_PEOPLE = {
    "A": {"m1": 2.0, "m3": 4.0, "m5": 3.0},
    "B": {"m2": 1.0, "m4": 5.0},
    "C": {"m2": 3.0, "m3": 2.0, "m4": 4.0},
    "D": {"m1": 3.0, "m4": 2.0, "m5": 1.0},
}
"""The worked ItemCF example: cosine on co-occurrence gives sim(m1, m3) = 1/2."""


def ratings(table: dict[str, dict[str, float]], *, name: str = "toy") -> Dataset:
    """Returns a data set of explicit ratings from user → item → rating, in the order written."""
    users = Vocabulary(sorted(table))
    items = Vocabulary(sorted({item for row in table.values() for item in row}))
    triples = [(user, item, weight) for user, row in table.items() for item, weight in row.items()]
    events = Interactions.from_arrays(
        users.encode([t[0] for t in triples]),
        items.encode([t[1] for t in triples]),
        np.array([t[2] for t in triples], np.float32),
        np.arange(len(triples), dtype=np.int64) * 1000,
    )
    return Dataset(events, users, items, feedback="ratings", name=name)


def checkerboard(n: int = 20) -> Dataset:
    """Returns n users × n items where even users take even items and odd users odd ones, less the diagonal.

    The one right answer for user u is item u: it is the only item of the user's colour not yet taken.
    """
    user, item = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    keep = ((user + item) % 2 == 0) & (user != item)
    events = Interactions.from_arrays(user[keep], item[keep], None, np.arange(keep.sum()) * 1000)
    return Dataset(events, Vocabulary(np.arange(n)), Vocabulary(np.arange(n)), name="checkerboard")


def tastes(*, n_users: int = 60, n_items: int = 40, n_tastes: int = 4, seed: int = 0) -> Dataset:
    """Returns ratings of people who each like one genre and now and then try another.

    Items carry `title`, `genres` (multi), `year` (number); the last two items were never taken by anyone.
    """
    rng = generator(seed, "tastes")
    genre = np.arange(n_items) % n_tastes
    users, items, weights = [], [], []
    for who in range(n_users):
        mine = np.flatnonzero(genre[: n_items - 2] == who % n_tastes)
        other = np.flatnonzero(genre[: n_items - 2] != who % n_tastes)
        taken = np.concatenate([rng.permutation(mine)[: len(mine) - 2], rng.permutation(other)[:3]])
        rng.shuffle(taken)
        users.append(np.full(len(taken), who))
        items.append(taken)
        liked = genre[taken] == who % n_tastes
        weights.append(np.where(liked, rng.integers(4, 6, len(taken)), rng.integers(1, 4, len(taken))))
    user, item = np.concatenate(users), np.concatenate(items)
    names = [f"i{code:03d}" for code in range(n_items)]
    table = pl.DataFrame(
        {
            "item_id": names,
            "title": [f"Film {code} of genre {genre[code]}" for code in range(n_items)],
            "genres": [[f"g{genre[code]}", "film"] for code in range(n_items)],
            "year": [1980.0 + code for code in range(n_items)],
        }
    )
    return Dataset(
        Interactions.from_arrays(user, item, np.concatenate(weights), np.arange(len(user)) * 60_000),
        Vocabulary(np.arange(1, n_users + 1)),
        Vocabulary(names),
        item_table=table,
        item_features=(Feature("genres", "multi"), Feature("year", "number")),
        feedback="ratings",
        name="tastes",
    )
