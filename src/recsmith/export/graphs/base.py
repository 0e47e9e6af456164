"""What a device runs: a graph from histories to the scores of all items, and the list made of them.

Written for three exporters at once: fixed shapes, int32 in and out, operators that TFLite, ONNX and
ExecuTorch all have. Nothing is kept from one call to the next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

PADDING = -1
"""Ends a history, a list of candidates and a short list."""
_LEAST = torch.finfo(torch.float32).min  # "never": TFLite's fully connected layer makes this of -inf


@dataclass(frozen=True)
class Input:
    """Says what a graph reads: `shape` has no batch; a caller who has no value gives `default` everywhere.

    `source` is where a reader finds it: the person's events, the person, or the request; `feature` names the
    column of `DeviceGraph.features()[source]`, and `part` says whether its codes or its scaled number.
    """

    name: str
    dtype: Literal["int32", "float32"]
    shape: tuple[int, ...]
    meaning: str
    source: Literal["history", "weight", "event", "person", "context", "candidate"]
    feature: str | None = None
    part: Literal["codes", "value"] | None = None
    default: float = 0

    def empty(self, batch: int) -> Tensor:
        """Returns the input of people of whom nothing is known."""
        return torch.full((batch, *self.shape), self.default, dtype=getattr(torch, self.dtype))


class DeviceGraph(nn.Module, ABC):
    """Turns histories into the scores of all items; a graph sets what stands below and writes `scores`."""

    n_items: int
    history_length: int
    """H: the events that go in; the newest are kept."""
    context_length: int | None = None
    """The newest events that the scores depend on, when fewer than H."""
    score_meaning: str
    """"logit", "cosine", "rating", "weighted sum of similarities", …: what a score says."""
    calibrated: bool = False
    needs_history: bool = True
    """Whether somebody without history gets the popular items instead of what `scores` says."""
    reads_weight: bool = False
    """Whether `weight` is among the inputs: float32 [B, H], 0 where the history is padding."""
    extra_inputs: tuple[Input, ...] = ()
    """What else goes in: event_…, person_…, context_…"""
    request_time: int | None = None
    """Milliseconds since 1970 that stand for the time of a request when none is known; None: of no matter."""

    @abstractmethod
    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns float32 [B, I]: the model's `_score` of a stranger with that history; -inf for never.

        `history_BH` is int32 codes, oldest first, right-padded with -1; a row of -1 alone may give anything.
        """

    def features(self) -> Mapping[str, object]:
        """Returns source → `FeatureSpace.to_dict()` of the columns that `extra_inputs` name."""
        return {}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Everything that goes in, history first."""
        shape = (self.history_length,)
        history = Input(
            "history",
            "int32",
            shape,
            "catalogue rows of what the person took, oldest first, -1 behind the last",
            "history",
            default=PADDING,
        )
        weight = Input("weight", "float32", shape, "weight of each event, 0 behind the last", "weight")
        return (history, *((weight,) if self.reads_weight else ()), *self.extra_inputs)


class RankGraph(nn.Module, ABC):
    """Turns histories and candidates into the candidates' scores: a ranking model's second file."""

    n_items: int
    history_length: int
    n_candidates: int = 100
    score_meaning: str
    calibrated: bool = False
    reads_weight: bool = False
    extra_inputs: tuple[Input, ...] = ()

    @abstractmethod
    def scores(self, history_BH: Tensor, candidate_BN: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns float32 [B, N]; what is said of a candidate -1 is overwritten with 0."""

    def features(self) -> Mapping[str, object]:
        """Returns source → `FeatureSpace.to_dict()` of the columns that `extra_inputs` name."""
        return {}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Everything that goes in, history first, candidates last."""
        candidate = Input(
            "candidate",
            "int32",
            (self.n_candidates,),
            "catalogue rows to be scored, -1 behind the last",
            "candidate",
            default=PADDING,
        )
        return (*DeviceGraph.inputs.fget(self), candidate)  # type: ignore[attr-defined]


class Recommend(nn.Module):
    """Makes the list: popular items where there is no history, nothing seen, never a filler.

    Gives `item` int32 [B, K], best first, -1 behind the last, and `score` float32 [B, K], 0 there. Equal
    scores go by row, the lower first: every runtime's top-k does, and a test looks at each.
    """

    popular_item_1K: Tensor
    popular_score_1K: Tensor

    def __init__(self, graph: DeviceGraph, popularity_I: Tensor, *, k: int) -> None:
        super().__init__()
        self.inner, self.k = graph, min(k, graph.n_items)
        best = torch.sort(popularity_I.to(torch.float32), descending=True, stable=True)
        self.register_buffer("popular_item_1K", best.indices[: self.k].to(torch.int32).unsqueeze(0))
        self.register_buffer("popular_score_1K", best.values[: self.k].unsqueeze(0))

    @property
    def graph(self) -> DeviceGraph:
        """The model's graph; a module of that very name would be lost in torch.fx."""
        return self.inner

    def forward(self, history: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Returns {"item", "score"}."""
        score_BI = self.graph.scores(history, inputs)
        return self.listed(history, score_BI)

    def listed(self, history_BH: Tensor, score_BI: Tensor) -> dict[str, Tensor]:
        """Returns the list of the best that are not in the history."""
        there_BH = history_BH >= 0
        # Padding goes to a column of its own, which is cut off again.
        place_BH = torch.where(there_BH, history_BH, self.graph.n_items).to(torch.int64)
        wide_BI = torch.cat([score_BI, score_BI[:, :1]], 1).scatter(1, place_BH, -torch.inf)
        best = torch.topk(wide_BI[:, : self.graph.n_items], self.k)
        real_BK = best.values > _LEAST
        item_BK = torch.where(real_BK, best.indices.to(torch.int32), PADDING).to(torch.int32)
        score_BK = torch.where(real_BK, best.values, 0.0)
        if self.graph.needs_history:
            somebody_B1 = there_BH[:, :1]
            item_BK = torch.where(somebody_B1, item_BK, self.popular_item_1K)
            score_BK = torch.where(somebody_B1, score_BK, self.popular_score_1K)
        return {"item": item_BK, "score": score_BK}


def _never(score_BI: Tensor) -> Tensor:
    """Returns scores with -inf for what a runtime made the least number of."""
    return torch.where(score_BI > _LEAST, score_BI, -torch.inf)


class Scores(nn.Module):
    """Gives `scores` float32 [B, I] of all items, seen ones too, -inf for never."""

    def __init__(self, graph: DeviceGraph) -> None:
        super().__init__()
        self.inner = graph

    def forward(self, history: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Returns {"scores"}."""
        return {"scores": _never(self.inner.scores(history, inputs))}


class RecommendAndScores(nn.Module):
    """Gives `item`, `score` and `scores` at once, for files that have one signature."""

    def __init__(self, recommend: Recommend) -> None:
        super().__init__()
        self.recommend = recommend

    def forward(self, history: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Returns {"item", "score", "scores"}."""
        score_BI = self.recommend.graph.scores(history, inputs)
        return {**self.recommend.listed(history, score_BI), "scores": _never(score_BI)}


class Rank(nn.Module):
    """Gives `score` float32 [B, N] of the candidates, 0 for a candidate -1."""

    def __init__(self, graph: RankGraph) -> None:
        super().__init__()
        self.inner = graph

    @property
    def graph(self) -> RankGraph:
        """The ranking model's graph."""
        return self.inner

    def forward(self, history: Tensor, candidate: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Returns {"score"}."""
        score_BN = self.inner.scores(history, candidate.clamp(min=0), inputs)
        return {"score": torch.where(candidate >= 0, score_BN, 0.0)}


def newest(values_BH: Tensor, there_BH: Tensor, length: int, *, filler: float = 0) -> Tensor:
    """Returns [B, length, …]: the newest events of right-padded rows, again right-padded.

    `there_BH` is True for events. Fewer columns than `length` are given back as they are.
    """
    if values_BH.shape[1] <= length:
        return values_BH
    n_B1 = there_BH.sum(1, keepdim=True)
    first_B1 = (n_B1 - length).clamp(min=0)
    place_BC = first_B1 + torch.arange(length)
    inside_BC = place_BC < n_B1
    if values_BH.dim() > 2:
        index = place_BC.unsqueeze(2).expand(-1, -1, values_BH.shape[2])
        return torch.where(inside_BC.unsqueeze(2), values_BH.gather(1, index), filler)
    return torch.where(inside_BC, values_BH.gather(1, place_BC), filler)


@dataclass(frozen=True, eq=False)
class DeviceParts:
    """Is what a converter is given: the list, and the ranking where there is one."""

    recommend: Recommend
    rank: Rank | None = None
    with_scores: bool = True
    """Whether the signature `scores` goes in; catalogues above 200 000 items leave it out."""
