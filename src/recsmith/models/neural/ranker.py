"""What ranking models share: one vector of person, request and item, and a rating or a like from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue, Shown
from recsmith.models.capabilities import PredictsRatings
from recsmith.models.neural.base import NeuralRecommender
from recsmith.models.neural.inputs import (
    VALUE,
    Events,
    FeatureConfig,
    Rows,
    Spaces,
    item_side,
    people,
    shapes,
    user_side,
)
from recsmith.models.neural.occlusion import ExplainsByOcclusion
from recsmith.models.neural.rating_loss import LearnsRatings
from recsmith.models.neural.validation import Kept
from recsmith.nn.event_embedding import FeatureShape, GroupEmbedding
from recsmith.nn.side import Side
from recsmith.training import Batches
from recsmith.types import CodeArray, FloatArray

_PAIRS = 65_536  # person and item pairs that pass the network at once


class CrossingConfig(FeatureConfig):
    """How the vectors of features start and are held back where features are crossed."""

    embedding_decay: float = Field(0.0, ge=0)
    """Pull of an example's own vectors towards zero, per example: the frequent are held back as the rare."""
    init_scale: float = Field(0.03, gt=0)
    """Deviation that vectors start with."""
    validation: str | float = 0.1
    """What patience keeps back: "last", each person's last event (5,000 at most), or a share at random."""
    validate_by: Literal["NDCG@10", "loss"] = "loss"
    """The figure that patience watches."""


class RankerConfig(CrossingConfig, LearnsRatings):
    """Settings of ranking models."""

    target: Literal["rating", "like"] = "rating"
    """What is learnt: the weight itself (rating_loss), or whether it is a like (log loss)."""
    like_from: float = 4.0
    """Weights from here on are likes."""
    dislike_to: float = 2.0
    """Weights up to here are not; those between are left out."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """In the dense layers."""

    @model_validator(mode="after")
    def _in_order(self) -> RankerConfig:
        if self.dislike_to >= self.like_from:
            raise ValueError("dislike_to must be below like_from")
        return self


class RankerInput(nn.Module):
    """Puts person, request, item and history side by side: fields of one length, and numbers."""

    def __init__(self, users: Side, items: Side, context: list[FeatureShape], *, with_history: bool) -> None:
        super().__init__()
        self.users, self.items, self.with_history = users, items, with_history
        self.context = GroupEmbedding(context) if context else None
        self.names = [_named("user", s) for s in users.shapes] + [_named("request", s) for s in context]
        self.names += [_named("history", s) for s in items.shapes] if with_history else []
        self.names += [_named("item", s) for s in items.shapes]
        sides = [*users.shapes, *context, *(items.shapes if with_history else ()), *items.shapes]
        self.widths = [shape.width for shape in sides]
        self.width = sum(self.widths)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns [B, width]."""
        return torch.cat([*self.person(batch), self.items(batch["item"])], -1)

    def person(self, batch: Mapping[str, Tensor]) -> list[Tensor]:
        """Returns what does not hang on the item, parts of [B, …]; none if rankers look at items alone."""
        parts = [self.users(batch["user"], batch)] if self.users.width else []
        if self.context is not None:
            parts.append(self.context(batch))
        if self.with_history:
            parts.append(self.items.mean(batch["history"]))
        return parts

    def fields(self, x_BW: Tensor) -> Tensor:
        """Returns the vectors of `forward` that have the features' length, [B, F, D]."""
        wide = max(self.widths)
        parts = [part for part in torch.split(x_BW, self.widths, -1) if part.shape[-1] == wide]
        return torch.stack(parts, 1)


def _named(side: str, shape: FeatureShape) -> str:
    """Returns a feature's name for people: "user id", "item genres", "user age (value)"."""
    bare = shape.name.removeprefix("user_").removeprefix("item_").removesuffix(VALUE)
    plain = bare.replace("_", " ")
    return f"{side} {plain}{' (value)' if shape.name.endswith(VALUE) else ''}"


class RankerNet(nn.Module):
    """Is an input and a body that makes one number of it; `bias` is where learning starts."""

    def __init__(self, inputs: RankerInput, body: nn.Module, *, bias: float | list[float]) -> None:
        super().__init__()
        self.inputs, self.body = inputs, body
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns [B]: a rating, or the logit of a like; [B, T] for a body of T tasks."""
        return self.judged(self.inputs(batch))

    def judged(self, x_BW: Tensor) -> Tensor:
        """Returns what `forward` does, of inputs already embedded."""
        out: Tensor = self.body(x_BW) + self.bias
        return out


class Ranker(PredictsRatings, ExplainsByOcclusion, NeuralRecommender):
    """Learns ratings or likes from features of person, request and item; scores by what it predicts.

    Scoring a person runs the network once for each item, O(I) passes: for a large catalogue let a retrieval
    model choose the candidates.
    """

    config: RankerConfig
    net: RankerNet

    @abstractmethod
    def _body(self, inputs: RankerInput) -> nn.Module:
        """Returns what makes [B] of the input [B, width]."""

    def _learn(self, data: Dataset) -> dict[str, Any]:
        weight = data.interactions.weight
        if self.config.target == "like":
            kept = self._is_learnt(weight)
            share = float((weight[kept] >= self.config.like_from).mean()) if kept.any() else 0.0
            if not 0 < share < 1:
                got = Shown(f"weights from {weight.min():g} to {weight.max():g}")
                raise InvalidValue("data", "of likes and dislikes, by like_from and dislike_to", got)
            bias = float(np.log(share / (1 - share)))
        else:
            bias = float(weight.mean())
        return {**Spaces.learn(data, self.memory, self.config).to_dict(), "bias": bias}

    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        settings, spaces = self.config, Spaces.of_dict(learned)
        items = item_side(spaces, self.memory, settings)
        if not items.width:
            raise InvalidValue("the item", "given a feature", Shown("no item_id or item_features"))
        inputs = RankerInput(
            user_side(spaces, self.memory, settings),
            items,
            shapes(spaces.context, settings),
            with_history=settings.history_length > 0,
        )
        for module in inputs.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=settings.init_scale)
        return RankerNet(inputs, self._body(inputs), bias=learned["bias"])

    def _batches(self, data: Dataset, run: Run) -> Batches:
        chosen = np.flatnonzero(self._is_learnt(data.interactions.weight))
        spaces = Spaces.of_dict(self.learned)
        return Events.of(data, spaces, self.config, seed=run.seed, chosen=chosen)

    def _held_out(self, kept: Kept, run: Run) -> Iterator[Rows]:
        spaces = Spaces.of_dict(self.learned)
        chosen = kept.place_n[self._is_learnt(kept.held.weight)]
        return Events.of(kept.data, spaces, self.config, seed=run.seed, chosen=chosen).epoch(0)

    def _is_learnt(self, weight_n: np.ndarray) -> np.ndarray:
        """Says of each event whether it is a rating, or a clear like or dislike."""
        settings = self.config
        if settings.target == "rating":
            return np.ones(len(weight_n), bool)
        return (weight_n >= settings.like_from) | (weight_n <= settings.dislike_to)

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        settings, weight_B = self.config, batch["weight"]
        x_BW = self.net.inputs(batch)
        predicted_B = self.net.judged(x_BW)
        if settings.target == "rating":
            return settings.loss_of(predicted_B, weight_B) + self._pull(x_BW)
        liked_B = (weight_B >= settings.like_from).float()
        return functional.binary_cross_entropy_with_logits(predicted_B, liked_B) + self._pull(x_BW)

    def _pull(self, x_BW: Tensor) -> Tensor:
        if not self.net.training:  # it holds learning back, and is no part of what is judged
            return x_BW.new_zeros(())
        return self.config.embedding_decay * x_BW.square().sum(-1).mean()

    def _score(self, histories: Histories) -> FloatArray:
        every = np.arange(len(self.memory.items), dtype=np.int32)
        return self._score_some(histories, np.broadcast_to(every, (len(histories), len(every))))

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        """Returns ratings within the scale, or the probability of a like."""
        out_n = self._outputs(histories, row_n, item_n)
        if self.config.target == "like":
            return np.asarray(1 / (1 + np.exp(-out_n.astype(np.float64))), np.float32)
        return np.clip(out_n, *self.memory.weight_range)

    def _read_events(self) -> int:
        return self.config.history_length

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        row_n = np.repeat(np.arange(len(histories)), item_code_BN.shape[1])
        return self._outputs(histories, row_n, item_code_BN.ravel()).reshape(item_code_BN.shape)

    def _person_columns(self) -> tuple[Column, ...]:
        return Spaces.of_dict(self.learned).users.columns

    def _reads_request_time(self) -> bool:
        return bool(self.config.context)

    def _outputs(self, histories: Histories, row_n: np.ndarray, item_n: np.ndarray) -> FloatArray:
        rows = torch.as_tensor(np.asarray(row_n, np.int64), device=self.device)
        item_code_m, place_n = np.unique(item_n, return_inverse=True)
        places = torch.as_tensor(place_n, device=self.device)
        parts = [np.zeros(0, np.float32)]
        with torch.no_grad():
            # People and items are embedded once each; a pair costs the layers behind alone.
            inputs = self.net.inputs
            people = inputs.person(self._requests(histories))
            things = inputs.items(torch.as_tensor(item_code_m.astype(np.int64) + 1, device=self.device))
            for start in range(0, len(rows), _PAIRS):
                some = slice(start, start + _PAIRS)
                pair = [*(part[rows[some]] for part in people), things[places[some]]]
                parts.append(self._one_number(self.net.judged(torch.cat(pair, -1))).cpu().numpy())
        return np.concatenate(parts)

    def _one_number(self, out: Tensor) -> Tensor:
        """Returns the scores [N] of what the network gives."""
        return out

    def _requests(self, histories: Histories) -> Rows:
        batch = people(histories, Spaces.of_dict(self.learned), self.config)
        return {name: tensor.to(self.device) for name, tensor in batch.items()}
