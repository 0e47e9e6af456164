"""Says for each item of the list which of the person's items led to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsmith.models.capabilities import Explains
from recsmith.serving.stages.base import Work
from recsmith.serving.world import World

N_REASONS = 2


def explain(world: World, works: Sequence[Work]) -> None:
    """Adds reasons where they are asked for: the model's own, else the most alike items of the history."""
    for work in works:
        if work.request.explain:
            work.because = reasons(world, work)


def reasons(world: World, work: Work) -> list[list[dict[str, Any]]]:
    """Returns for each item of the list up to two items of the history with their weights."""
    catalogue, row = world.catalogue, work.request.histories
    because: list[list[dict[str, Any]]] = [[] for _ in work.place]
    known = np.flatnonzero(work.place < catalogue.n_model)
    if isinstance(world.model, Explains) and len(row.item) and len(known):
        _, part_LK = world.model._contributions(row, work.place[known])
        for column, at in enumerate(known.tolist()):
            because[at] = _largest(world, row.item, np.asarray(part_LK[:, column], np.float64))
        known_set = set(known.tolist())
    else:
        known_set = set()
    seen = work.request.seen
    rest = [at for at in range(len(work.place)) if at not in known_set]
    if len(seen) and rest:
        words = catalogue.words
        alike = np.asarray((words[work.place[rest]] @ words[seen].T).todense(), np.float64)
        for row_n, at in enumerate(rest):
            because[at] = _largest(world, seen, alike[row_n])
    return because


def _largest(world: World, place_L: np.ndarray, weight_L: np.ndarray) -> list[dict[str, Any]]:
    order = np.lexsort((place_L, -weight_L))[:N_REASONS]
    catalogue = world.catalogue
    return [
        {
            "item_id": catalogue.ids[place_L[event]],
            "title": catalogue.title(int(place_L[event])),
            "weight": float(weight_L[event]),
        }
        for event in order
        if weight_L[event] > 0
    ]
