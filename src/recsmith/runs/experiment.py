"""What lists would have led to that were not drawn at random, from the log of those that were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsmith.evaluation.off_policy import Estimate, doubly_robust, ips, snips
from recsmith.serving.store import Store
from recsmith.serving.verdict import hit_lists


def greedy(store: Store, *, hours: float = 24.0) -> dict[str, Estimate]:
    """Estimates, from lists that were drawn, how often the first place hits when it is never drawn.

    Each list was shown with the chance that its first item had of being first (`explore`). IPS, SNIPS and
    doubly robust, whose prediction is the hit rate of the rank that the item had in the model's own order.
    """
    lists = [row for row in store.all_shown() if row.propensities and row.items]
    first = [_First(row.user_id, row.time, row.items[:1]) for row in lists]
    reward_n = np.array(hit_lists(store, first, hours=hours), float)
    chance_n = np.array([row.propensities["chance"] for row in lists], float)
    rank_n = np.array([row.propensities["rank"] for row in lists])
    target_n = (rank_n == 1).astype(float)
    if not len(lists):
        return {}
    overall = reward_n.mean()
    of_rank = {
        rank: (reward_n[rank_n == rank].sum() + overall) / ((rank_n == rank).sum() + 1)
        for rank in np.unique(rank_n)
    }
    predicted_n = np.array([of_rank[rank] for rank in rank_n])
    expected_n = np.full(len(lists), of_rank.get(1, overall))
    return {
        "IPS": ips(reward_n, chance_n, target_n),
        "SNIPS": snips(reward_n, chance_n, target_n),
        "doubly robust": doubly_robust(
            reward_n, chance_n, target_n, predicted_n=predicted_n, expected_n=expected_n
        ),
    }


@dataclass(frozen=True)
class _First:
    user_id: str
    time: int
    items: list[str]
