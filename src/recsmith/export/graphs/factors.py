"""Graphs of the factor models: a person never seen is folded in on the device, then p_u·q_i of all items."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recsmith.data import Histories
from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.export.graphs.events import Events
from recsmith.export.graphs.linear import HISTORY
from recsmith.export.graphs.ridge import Ridge
from recsmith.models.base import Recommender
from recsmith.models.factorization.bpr import BPR
from recsmith.models.factorization.funk_svd import _LEAST_PENALTY, FunkSVD
from recsmith.models.factorization.ials import IALS
from recsmith.models.factorization.svdpp import SVDpp

_TRIED = 64  # training histories that say how many steps a solution takes


class FactorGraph(DeviceGraph):
    """Scores w·v_i + b_i, where w is the ridge solution for the history; -inf for items that nobody took."""

    def __init__(
        self, model: Recommender, vector_ID: np.ndarray, base_DD: np.ndarray, bias_I: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.ridge = Ridge(vector_ID, base_DD)
        if bias_I is not None:
            self.register_buffer("bias_I", torch.from_numpy(bias_I.astype(np.float32)))
        self.has_bias = bias_I is not None
        self.register_buffer("taken_I", torch.from_numpy(model.memory.popularity > 0))

    @abstractmethod
    def regression(self, events: Events) -> tuple[Tensor, Tensor, Tensor]:
        """Returns c [B, H], t [B, H] and λ [B, 1] of the regression of a history."""

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns w·v_i + b_i."""
        events = Events.of(history_BH, inputs.get("weight"))
        score_BI = self.person(events) @ self.ridge.vector_ID.T
        if self.has_bias:
            score_BI = score_BI + self.get_buffer("bias_I")
        return torch.where(self.get_buffer("taken_I"), score_BI, -torch.inf)

    def person(self, events: Events) -> Tensor:
        """Returns w [B, D]."""
        return self.ridge(events.row_BH, *self.regression(events))

    def settle(self, histories: Histories, *, what: str) -> None:
        """Chooses the number of steps by the longest and some other histories of training."""
        lengths = histories.lengths
        longest = np.argsort(-lengths, kind="stable")[: _TRIED // 2]
        others = np.linspace(0, len(lengths) - 1, _TRIED // 2).astype(np.int64)
        some = histories.take(np.union1d(longest, others))
        history_BH = np.full((len(some), self.history_length), -1, np.int32)
        weight_BH = np.zeros((len(some), self.history_length), np.float32)
        for row in range(len(some)):
            events = slice(
                max(some.indptr[row], some.indptr[row + 1] - self.history_length), some.indptr[row + 1]
            )
            history_BH[row, : events.stop - events.start] = some.item[events]
            weight_BH[row, : events.stop - events.start] = some.weight[events]
        found = Events.of(torch.from_numpy(history_BH), torch.from_numpy(weight_BH))
        self.ridge.settle(found.row_BH, *self.regression(found), what=what)


class IALSGraph(FactorGraph):
    """Is one exact half-step of alternating least squares."""

    score_meaning = "preference, about 1 for what was taken"

    def __init__(self, model: IALS) -> None:
        super().__init__(model, model.item_ID, model.gram_DD)
        self.settings, self.n_taken = model.config, model.n_taken
        self.reads_weight = model.config.weighting != "binary"

    def regression(self, events: Events) -> tuple[Tensor, Tensor, Tensor]:
        """Returns c = 1, the weight, or log(1 + weight), faded; t = 1; λ (n + α·items)^ν."""
        settings, count_BH = self.settings, events.last_BH
        if settings.weighting == "weight":
            count_BH = events.last_BH * events.total_BH
        elif settings.weighting == "log":
            count_BH = events.last_BH * torch.log(1 + events.total_BH)
        count_BH = events.faded(count_BH, settings.history_half_life)
        frequency_B1 = events.n_distinct_B1 + settings.unobserved_weight * self.n_taken
        if settings.frequency_exponent != 1:
            frequency_B1 = frequency_B1**settings.frequency_exponent
        return count_BH, events.there_BH, settings.regularization * frequency_B1


class BPRGraph(FactorGraph):
    """Is the ridge regression that gives BPR's strangers a vector."""

    score_meaning = "preference"

    def __init__(self, model: BPR) -> None:
        super().__init__(model, model.item_ID, model.gram_DD, model.item_bias_I)
        self.level, self.regularization = model.level, model.config.fold_in_regularization

    def regression(self, events: Events) -> tuple[Tensor, Tensor, Tensor]:
        """Returns c = 1, t = level − b_i, λ n."""
        target_BH = self.level - self.get_buffer("bias_I")[events.row_BH]
        return events.last_BH, target_BH, self.regularization * events.n_distinct_B1.clamp(min=1)


class FunkSVDGraph(FactorGraph):
    """Is the ridge regression of a stranger's ratings; the first coordinate carries the person's bias."""

    score_meaning = "rating"
    reads_weight = True

    def __init__(self, model: FunkSVD) -> None:
        bias_I = model.item_bias_I + np.float32(model.mean)
        super().__init__(model, model._augmented(), model._no_gram(), bias_I)
        self.regularization = model.penalty

    def regression(self, events: Events) -> tuple[Tensor, Tensor, Tensor]:
        """Returns c = times rated, t = mean rating − μ − b_i, λ n."""
        times_BH = events.times_BH * events.last_BH
        rating_BH = events.total_BH / events.times_BH.clamp(min=1)
        penalty_B1 = (self.regularization * times_BH.sum(1, keepdim=True)).clamp(min=_LEAST_PENALTY)
        return times_BH, rating_BH - self.get_buffer("bias_I")[events.row_BH], penalty_B1


class SVDppGraph(FunkSVDGraph):
    """Adds to the person what their items tell by themselves: z = |N|^−½ Σ y, known before the regression."""

    implicit_IE: Tensor

    def __init__(self, model: SVDpp) -> None:
        super().__init__(model)
        # Nothing turned the item vectors: there is no Gram matrix under them. The bias has no y.
        implicit_IE = np.pad(model.implicit_ID, ((0, 0), (1, 0)))
        self.register_buffer("implicit_IE", torch.from_numpy(implicit_IE))

    def implicit(self, events: Events) -> Tensor:
        """Returns z [B, 1 + D]."""
        sum_BE = (
            events.last_BH.unsqueeze(1) @ functional.embedding(events.row_BH, self.implicit_IE)
        ).squeeze(1)
        return sum_BE / events.n_distinct_B1.clamp(min=1).sqrt()

    def regression(self, events: Events) -> tuple[Tensor, Tensor, Tensor]:
        """Returns FunkSVD's, with q·z taken off the targets."""
        times_BH, target_BH, penalty_B1 = super().regression(events)
        vector_BHE = functional.embedding(events.row_BH, self.ridge.vector_ID)
        told_BH = (vector_BHE @ self.implicit(events).unsqueeze(2)).squeeze(2)
        return times_BH, target_BH - told_BH, penalty_B1

    def person(self, events: Events) -> Tensor:
        """Returns w + z."""
        return super().person(events) + self.implicit(events)


def _settled(graph: FactorGraph, model: Recommender) -> FactorGraph:
    graph.settle(model.memory.histories, what=f"{type(model).__name__}'s fold-in")
    return graph


@graph_of.register
def _(model: IALS) -> DeviceGraph:
    return _settled(IALSGraph(model), model)


@graph_of.register
def _(model: BPR) -> DeviceGraph:
    return _settled(BPRGraph(model), model)


@graph_of.register
def _(model: FunkSVD) -> DeviceGraph:
    return _settled(FunkSVDGraph(model), model)


@graph_of.register
def _(model: SVDpp) -> DeviceGraph:
    return _settled(SVDppGraph(model), model)
