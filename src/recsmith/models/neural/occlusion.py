"""Reasons by occlusion: an event counts what the score loses when that event alone is taken away."""

from __future__ import annotations

import numpy as np

from recsmith.data import Histories
from recsmith.models.capabilities import Explains
from recsmith.types import CodeArray, FloatArray

_NEWEST = 100


class ExplainsByOcclusion(Explains):
    """Explains any network: what no single event accounts for (interplay, bias, features) is the base."""

    def _read_events(self) -> int:
        """Returns how many of the newest events the score depends on; older ones add 0."""
        return _NEWEST

    def _explained(self, histories: Histories) -> Histories:
        """Returns the people as reasons see them; as strangers where a learnt vector hides the history."""
        return histories

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        n = int(history.lengths[0])
        first = max(0, n - self._read_events())
        variants = self._explained(_without_each(history, first))
        item_RK = np.broadcast_to(item_codes, (len(variants), len(item_codes)))
        score_RK = self._score_some(variants, item_RK).astype(np.float64)
        part_LK = np.zeros((n, len(item_codes)))
        part_LK[first:] = score_RK[:1] - score_RK[1:]
        base_K = score_RK[0] - part_LK.sum(axis=0)
        return base_K.astype(np.float32), part_LK.astype(np.float32)


def _without_each(history: Histories, first: int) -> Histories:
    """Returns the history whole, then without event `first`, without the next, and so on."""
    n = int(history.lengths[0])
    every = np.arange(n)
    rows = [every, *(np.delete(every, place) for place in range(first, n))]
    events = np.concatenate(rows)
    return Histories(
        np.cumsum([0, *map(len, rows)]).astype(np.int64),
        history.item[events],
        history.weight[events],
        np.repeat(history.user, len(rows)),
        None if history.time is None else history.time[events],
        None if history.people is None else history.people[[0] * len(rows)],
        None if history.asked is None else np.repeat(history.asked, len(rows)),
    )
