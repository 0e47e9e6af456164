"""Validation inside a training: the events that are kept back, and how well they are foretold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recsmith.config import Run
from recsmith.data import Dataset, Interactions
from recsmith.errors import InvalidValue, Shown
from recsmith.kernels.hits import hits
from recsmith.models.base import Recommender
from recsmith.rng import generator
from recsmith.training.device import to_device

MOST_PEOPLE = 5_000
K = 10


@dataclass(frozen=True, eq=False)
class Kept:
    """Holds what a training learns from and what it is judged by."""

    data: Dataset
    """The whole log."""
    learnt: Dataset
    """The log without what is kept back."""
    place_n: np.ndarray
    """The places of the events kept back, in the whole log."""

    @property
    def held(self) -> Interactions:
        """The events kept back."""
        return self.data.interactions.select(self.place_n)


def keep_back(data: Dataset, rule: str | float, *, seed: int) -> Kept:
    """Keeps events back: "last", each person's last one, of at most 5,000 people; or a share at random.

    What has only one event, a person or an item, keeps it: nothing could be foretold of them.
    """
    log = data.interactions
    drawn = generator(seed, "validation")
    is_held = np.zeros(len(log), bool)
    if isinstance(rule, str):
        end_U = log.indptr(data.n_users)[1:]
        last_n = end_U[np.diff(log.indptr(data.n_users)) > 1] - 1
        is_held[drawn.permutation(last_n)[:MOST_PEOPLE]] = True
    else:
        is_held[drawn.permutation(len(log))[: round(rule * len(log))]] = True
    for code_n, n_codes in ((log.item, data.n_items), (log.user, data.n_users)):
        left = np.bincount(code_n[~is_held], minlength=n_codes)
        is_held &= left[code_n] > 0
    if not is_held.any():
        cure = "Leave patience out, or set validation to a larger share."
        raise InvalidValue("data", "such that events can be kept back for validation", data, cure)
    return Kept(data, data.with_interactions(log.select(~is_held)), np.flatnonzero(is_held))


def ndcg(model: Recommender, kept: Kept, run: Run) -> float:
    """Returns NDCG@10 of the events kept back, over all items that the person did not take before."""
    held = kept.held
    who_B = np.unique(held.user)
    relevant = kept.learnt.with_interactions(held).histories(who_B).binary(kept.data.n_items)
    discount_K = 1 / np.log2(np.arange(K) + 2)
    ideal_K = np.cumsum(discount_K)
    total = 0.0
    for block in model.top_k(kept.learnt.histories(who_B), k=K, run=run):
        rows = relevant[block.start : block.start + len(block.codes)]
        hit_BK = hits(block.codes, rows.indptr, rows.indices)
        best_B = ideal_K[np.minimum(np.diff(rows.indptr), K) - 1]
        total += float((hit_BK @ discount_K[: hit_BK.shape[1]] / best_B).sum())
    return total / len(who_B)


def mean_loss(
    loss: Callable[[nn.Module, Any], Tensor], net: nn.Module, batches: Iterable[Any], run: Run
) -> float:
    """Returns the mean loss of an example; negatives are drawn alike each time, and training draws on."""
    total, n = 0.0, 0
    device = next(net.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(run.seed)
        for batch in batches:
            n_here = len(batch["user"])
            total += float(loss(net, to_device(batch, device))) * n_here
            n += n_here
    if not n:
        raise InvalidValue("validation", "such that some event kept back can be judged", Shown("none"))
    return total / n
