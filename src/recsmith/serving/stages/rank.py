"""Ranks candidates by a second model where there is one; else the retriever's score stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsmith.serving.stages.base import Work
from recsmith.serving.world import World


def rank(world: World, works: Sequence[Work]) -> None:
    """Scores the model's candidates with the ranker; what it does not know stays at its place."""
    if world.ranker is None:
        return
    for work in works:
        known = np.flatnonzero(work.place < world.catalogue.n_model)
        if not len(known):
            continue
        codes = work.place[known][None, :]
        score = world.ranker.score_codes(work.request.histories, codes)[0]
        order = np.lexsort((work.place[known], -score))
        chosen = np.arange(len(work.place))
        chosen[known] = known[order]
        work.keep(chosen)
        work.score[known] = score[order]
