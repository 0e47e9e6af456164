"""Graphs of the models that go by likeness of items: neighbours (ItemKNN), sparse weights (RP3beta, SLIM) and
metadata (TfIdfContent)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.export.graphs.events import Events
from recsmith.export.graphs.linear import HISTORY
from recsmith.export.graphs.sparse import SparseProduct
from recsmith.models.content.tfidf import NOTHING, TfIdfContent
from recsmith.models.factorization.slim import SLIM
from recsmith.models.item_weights import ItemWeights
from recsmith.models.neighbourhood import ItemKNN, RP3beta

_EQUAL = 1e-6  # ratings that differ by less are all the same, as in the model


class ItemKNNGraph(DeviceGraph):
    """Adds up similarity × interest over an item's neighbours; -inf for items without a neighbour there."""

    score_meaning = "sum of similarities"

    def __init__(self, model: ItemKNN) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.reads_weight = model.config.interest == "weight"
        self.half_life = model.config.history_half_life
        low, high = model.memory.weight_range
        largest = max(abs(low), abs(high)) if self.reads_weight else 1.0
        self.neighbours = SparseProduct(model.similarity_SI.T.tocsr(), largest=largest)

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns Σ_s similarity × interest."""
        events = Events.of(history_BH, inputs.get("weight"))
        interest_BH = events.total_BH if self.reads_weight else events.there_BH
        interest_BH = events.faded(interest_BH, self.half_life)
        score_BI, found_BI = self.neighbours(
            events.dense(interest_BH, self.n_items), events.dense(events.there_BH, self.n_items)
        )
        return torch.where(found_BI > 0, score_BI, -torch.inf)


class ItemWeightsGraph(DeviceGraph):
    """Adds up the weights from the items taken; -inf for items that none leads to."""

    score_meaning = "weighted sum of the items taken"

    def __init__(self, model: ItemWeights, *, reads_weight: bool, power: float = 1.0) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.reads_weight, self.power = reads_weight, power
        self.half_life = model.config.history_half_life
        largest = max(map(abs, model.memory.weight_range)) ** power if reads_weight else 1.0
        self.weights = SparseProduct(model.weight_SI.T.tocsr(), largest=largest)

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns Σ_s weight^power × W, what is long ago fading."""
        events = Events.of(history_BH, inputs.get("weight"))
        interest_BH = events.total_BH**self.power if self.reads_weight else events.there_BH
        interest_BH = events.faded(interest_BH, self.half_life)
        score_BI, found_BI = self.weights(
            events.dense(interest_BH, self.n_items), events.dense(events.there_BH, self.n_items)
        )
        return torch.where(found_BI > 0, score_BI, -torch.inf)


class TfIdfGraph(DeviceGraph):
    """Makes the profile of the history's tokens, and its cosine to each item's."""

    score_meaning = "cosine"

    def __init__(self, model: TfIdfContent) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.profile = model.config.profile
        self.reads_weight = self.profile != "binary"
        self.tokens = SparseProduct(model.vector_IT.T.tocsr())
        self.items = SparseProduct(model.vector_IT)

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the cosines; -inf for an item without a token of the profile."""
        weight_BH = inputs.get("weight")
        if self.profile == "centred" and weight_BH is not None:
            weight_BH = _centred(weight_BH, (history_BH >= 0).to(torch.float32))
        events = Events.of(history_BH, weight_BH)
        profile_BT, _ = self.tokens(
            events.dense(events.total_BH, self.n_items), events.dense(events.there_BH, self.n_items)
        )
        length_B1 = (profile_BT * profile_BT).sum(1, keepdim=True).sqrt()
        unit_BT = profile_BT / torch.where(length_B1 > 0, length_B1, 1.0)
        zero_B1 = torch.zeros_like(length_B1)
        there_BT = (unit_BT.abs() > NOTHING).to(torch.float32)
        score_BI, found_BI = self.items(torch.cat([unit_BT, zero_B1], 1), torch.cat([there_BT, zero_B1], 1))
        return torch.where(found_BI > 0, score_BI, -torch.inf)


def _centred(weight_BH: Tensor, there_BH: Tensor) -> Tensor:
    """Returns the weights less their mean; ones where all are equal."""
    n_B1 = there_BH.sum(1, keepdim=True).clamp(min=1)
    mean_B1 = (weight_BH * there_BH).sum(1, keepdim=True) / n_B1
    centred_BH = (weight_BH - mean_B1) * there_BH
    spread_B1 = centred_BH.abs().amax(1, keepdim=True)
    return torch.where(spread_B1 > _EQUAL, centred_BH, there_BH)


@graph_of.register
def _(model: ItemKNN) -> DeviceGraph:
    return ItemKNNGraph(model)


@graph_of.register
def _(model: SLIM) -> DeviceGraph:
    return ItemWeightsGraph(model, reads_weight=model.config.weighting == "weight")


@graph_of.register
def _(model: RP3beta) -> DeviceGraph:
    by_weight = model.config.weighting == "weight"
    return ItemWeightsGraph(model, reads_weight=by_weight, power=model.config.alpha if by_weight else 1.0)


@graph_of.register
def _(model: TfIdfContent) -> DeviceGraph:
    return TfIdfGraph(model)
