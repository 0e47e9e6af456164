"""Graphs of the ranking models: candidates for a second file, or every item; and a Pipeline's two stages."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.errors import InvalidValue, Shown
from recsmith.export.graphs import express, graph_of, rank_graph_of
from recsmith.export.graphs.base import DeviceGraph, RankGraph
from recsmith.export.graphs.inputs import Person
from recsmith.export.graphs.towers import HISTORY
from recsmith.models.neural.inputs import Spaces
from recsmith.models.neural.many_tasks import ManyTasks
from recsmith.models.neural.ranker import Ranker
from recsmith.models.pipeline import Pipeline

_CANDIDATES = 200  # of the second file of a ranker without a retriever


class Pairs(nn.Module):
    """Judges persons against items: items are embedded beforehand, so a pair costs the layers behind."""

    def __init__(self, model: Ranker) -> None:
        super().__init__()
        settings, inputs = model.config, model.net.inputs
        self.person = Person(
            inputs.users,
            inputs.items,
            inputs.context,
            Spaces.of_dict(model.learned),
            settings,
            n_items=len(model.memory.items),
        )
        self.body = copy.deepcopy(model.net.body).cpu().eval()
        self.register_buffer("bias", model.net.bias.detach().cpu().clone())
        self.task_weights = isinstance(model, ManyTasks)
        if isinstance(model, ManyTasks):
            self.register_buffer("weight_T", model._weights() / model._weights().sum())

    def forward(self, history_BH: Tensor, row_BN: Tensor | None, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the scores [B, N] of rows, of all items when None."""
        batch, item_IW = history_BH.shape[0], self.person.item_IW
        thing_BNW = (
            item_IW.unsqueeze(0).expand(batch, -1, -1)
            if row_BN is None
            else functional.embedding(row_BN, item_IW)
        )
        n_things = thing_BNW.shape[1]
        parts = [p.unsqueeze(1).expand(-1, n_things, -1) for p in self.person(history_BH, inputs)]
        pair_nW = torch.cat([*parts, thing_BNW], -1).flatten(0, 1)
        out: Tensor = self.body(pair_nW) + self.get_buffer("bias")
        if self.task_weights:
            out = out.sigmoid() @ self.get_buffer("weight_T")
        return out.reshape(batch, n_things)


def _meaning(model: Ranker) -> tuple[str, bool]:
    """Returns what a ranker's score says, and whether it is calibrated."""
    if isinstance(model, ManyTasks):
        return "mean probability of the tasks", True
    return ("rating", False) if model.config.target == "rating" else ("logit of a like", False)


class RankerGraph(DeviceGraph):
    """Scores every item: for small catalogues; larger ones have a retriever before it (`Pipeline`)."""

    def __init__(self, model: Ranker) -> None:
        super().__init__()
        self.pairs = Pairs(model)
        self.n_items = len(model.memory.items)
        self.score_meaning, self.calibrated = _meaning(model)
        self.context_length = model.config.history_length or None
        self.history_length = max(HISTORY, model.config.history_length)
        self.extra_inputs = self.pairs.person.inputs
        self.request_time = self.pairs.person.request_time

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns what the network says of every item."""
        out: Tensor = self.pairs(history_BH, None, inputs)
        return out

    def features(self) -> Mapping[str, object]:
        """Returns the columns of the person and the request that are read."""
        return self.pairs.person.features


class CandidateGraph(RankGraph):
    """Scores given candidates: the second file."""

    def __init__(self, model: Ranker, *, history_length: int, n_candidates: int) -> None:
        super().__init__()
        self.pairs = Pairs(model)
        self.n_items = len(model.memory.items)
        self.n_candidates = min(n_candidates, self.n_items)
        self.score_meaning, self.calibrated = _meaning(model)
        self.history_length = history_length
        self.extra_inputs = self.pairs.person.inputs

    def scores(self, history_BH: Tensor, candidate_BN: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns what the network says of the candidates."""
        out: Tensor = self.pairs(history_BH, candidate_BN.to(torch.int64), inputs)
        return out

    def features(self) -> Mapping[str, object]:
        """Returns the columns of the person and the request that are read."""
        return self.pairs.person.features


class PipelineGraph(DeviceGraph):
    """Is both stages in one: the retriever's best unseen items, scored by the ranker; all others are -inf.

    The retriever's search is exact here, whatever index the pipeline had.
    """

    def __init__(self, model: Pipeline) -> None:
        super().__init__()
        self.retriever = express(model.retriever)
        ranker = model.ranker
        self.pairs = Pairs(ranker) if isinstance(ranker, Ranker) else None
        self.ranker = express(ranker) if self.pairs is None else None
        self.n_items = self.retriever.n_items
        self.n_candidates = min(model.config.n_candidates, self.n_items)
        second = ranker.config.history_length if isinstance(ranker, Ranker) else 0
        ranks = self.ranker or self
        self.history_length = max(
            self.retriever.history_length, second, self.ranker.history_length if self.ranker else 0
        )
        self.reads_weight = self.retriever.reads_weight or (ranks is self.ranker and ranks.reads_weight)
        if isinstance(ranker, Ranker):
            self.score_meaning, self.calibrated = _meaning(ranker)
            told = self.pairs.person.inputs if self.pairs else ()
        else:
            assert self.ranker is not None
            self.score_meaning, told = self.ranker.score_meaning, self.ranker.extra_inputs
        named = {i.name: i for i in (*self.retriever.extra_inputs, *told)}
        self.extra_inputs = tuple(named.values())
        times = (self.retriever.request_time, self.pairs.person.request_time if self.pairs else None)
        self.request_time = max((t for t in times if t is not None), default=None)
        self.features()  # says now what cannot be

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the ranker's scores of the candidates."""
        found_BI = self.retriever.scores(history_BH, inputs)
        place_BH = torch.where(history_BH >= 0, history_BH, self.n_items).to(torch.int64)
        wide_BI = torch.cat([found_BI, found_BI[:, :1]], 1).scatter(1, place_BH, -torch.inf)
        best = torch.topk(wide_BI[:, : self.n_items], self.n_candidates)
        there_BN = best.values >= torch.finfo(torch.float32).min
        ranked_BN = self._ranked(history_BH, best.indices, inputs)
        # What is no candidate goes to a column of its own, which is cut off again.
        column_BN = torch.where(there_BN, best.indices, self.n_items)
        never_BI = torch.full_like(wide_BI, -torch.inf)
        return never_BI.scatter(1, column_BN, ranked_BN)[:, : self.n_items]

    def _ranked(self, history_BH: Tensor, row_BN: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        if self.pairs is not None:
            out: Tensor = self.pairs(history_BH, row_BN, inputs)
            return out
        assert self.ranker is not None
        return self.ranker.scores(history_BH, inputs).gather(1, row_BN)

    def features(self) -> Mapping[str, object]:
        """Returns the columns of the person and the request that are read."""
        first = self.retriever.features()
        second = self.pairs.person.features if self.pairs is not None else {}
        for source in first.keys() & second.keys():
            if first[source] != second[source]:
                raise InvalidValue(
                    "the pipeline's stages",
                    f"read the same columns of a {source}",
                    Shown("two ways to encode them"),
                    "Give both stages the same user_features, context and n_buckets.",
                )
        return {**first, **second}


@graph_of.register
def _(model: Ranker) -> DeviceGraph:
    return RankerGraph(model)


@graph_of.register
def _(model: Pipeline) -> DeviceGraph:
    return PipelineGraph(model)


@rank_graph_of.register
def _(model: Ranker) -> RankGraph | None:
    return CandidateGraph(
        model, history_length=max(HISTORY, model.config.history_length), n_candidates=_CANDIDATES
    )


@rank_graph_of.register
def _(model: Pipeline) -> RankGraph | None:
    if not isinstance(model.ranker, Ranker):
        return None
    first = express(model)
    return CandidateGraph(
        model.ranker, history_length=first.history_length, n_candidates=model.config.n_candidates
    )
