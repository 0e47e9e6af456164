"""NextItem: from a history to the next item, with an encoder of choice for each group of features.

The present-day form of TensorFlow's adaptive on-device recommendation framework (2021): feature groups about
the person and about each past event, an encoder for each group, hidden layers, a product with item vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, cast, final

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recsmith.config import Config, Run
from recsmith.data import Dataset, Histories
from recsmith.data.examples import ExampleBatches, Examples
from recsmith.data.feature_space import Column
from recsmith.data.timelines import Arrays, TimelineBatches, long_enough, newest
from recsmith.errors import InvalidValue
from recsmith.models.capabilities import SimilarItems, VectorsOfNewItems
from recsmith.models.neural.base import NeuralRecommender
from recsmith.models.neural.next_item_config import FeatureSettings, NextItemConfig, SequenceConfig
from recsmith.models.neural.next_item_features import Spaces
from recsmith.models.neural.next_item_loss import NextItemLoss
from recsmith.models.neural.next_item_net import ActivityGroup, GlobalGroup, NextItemNet
from recsmith.models.neural.occlusion import ExplainsByOcclusion
from recsmith.models.neural.validation import Kept
from recsmith.nn.event_embedding import FeatureShape
from recsmith.nn.item_vectors import ItemVectors
from recsmith.training import Batches
from recsmith.types import CodeArray, FloatArray

_WINDOWED = ("bow", "cnn", "caser")
_HELD = 256  # events kept back whose loss is taken at once
_LONG = 128  # events in a learning window of encoders that look back over a window of their own


class NextItem(NeuralRecommender, SimilarItems, ExplainsByOcclusion, VectorsOfNewItems):
    """Recommends the items whose vectors fit the context: what a person took, in order, and who they are.

    Every event of a timeline is learnt in one pass, and the prediction after it sees `context_length` events,
    none of them later. Items that training never saw are recommended when the label has features.
    """

    Config: ClassVar[type[Config]] = NextItemConfig
    config: SequenceConfig
    net: NextItemNet
    _spaces: Spaces
    _shapes: list[FeatureShape]
    _take_loss: NextItemLoss
    _examples: Examples | None = None
    _item_ID: FloatArray
    _bias_I: FloatArray

    @property
    def plan(self) -> NextItemConfig:
        """The settings in NextItem's terms; a preset of another name translates its own."""
        assert isinstance(self.config, NextItemConfig)
        return self.config

    @final
    def learning_from(self, examples: Examples) -> Self:
        """Says that `fit` takes these examples instead of the timelines of its data; returns the model.

        The data then tell of catalogue and popularity alone: `model.learning_from(e).fit(e.dataset())`.
        """
        self._examples = examples
        return self

    def _learn(self, data: Dataset) -> dict[str, Any]:
        most = self.plan.label.vocabulary_size
        if most is not None and most < data.n_items:
            raise InvalidValue("label.vocabulary_size", f"at least the number of items, {data.n_items}", most)
        if not (data.histories().lengths >= self.config.min_timeline_length).any():
            raise InvalidValue(
                "data",
                f"such that some user has min_timeline_length ({self.config.min_timeline_length}) events",
                data,
                "There is no next item to learn from.",
            )
        return {"spaces": Spaces.fit(data, self.plan).to_dict()}

    def _build(self, learned: Mapping[str, Any]) -> NextItemNet:
        config, memory = self.plan, self.memory
        self._spaces = spaces = Spaces.of_dict(learned["spaces"])
        dim = config.label.embedding_dim

        def shaped(features: Sequence[FeatureSettings]) -> list[FeatureShape]:
            n_items, n_users = len(memory.items), len(memory.users)
            return [spaces.shape(f, label_dim=dim, n_items=n_items, n_users=n_users) for f in features]

        of_label = shaped(config.label.features)
        items = ItemVectors(
            torch.from_numpy(memory.popularity > 0),
            dim,
            features=of_label,
            inputs=spaces.of_items(memory, of_label),
            bias=config.label.bias,
            init_scale=config.init_scale,
        )
        activity, self._shapes = [], []
        for group in config.activity_groups:
            shapes = shaped(group.features)
            self._shapes += shapes
            lookups = spaces.of_items(memory, shapes)
            activity.append(ActivityGroup(group, shapes, config, items=items, lookups=lookups))
        person = []
        for group in config.global_groups:
            shapes = shaped(group.features)
            person.append(GlobalGroup(shapes, lookups=spaces.of_people(memory, shapes)))
        return NextItemNet(config, items=items, activity=activity, person=person)

    def _batches(self, data: Dataset, run: Run) -> Batches:
        config, examples = self.plan, self._examples
        if examples is not None:
            if config.patience is not None:
                raise InvalidValue("patience", "left out when learning from examples", config.patience)
            of_events = self._spaces.of_events(examples.histories(), self._shapes)
            spread = {name: examples.spread(values) for name, values in of_events.items()}
            return AsTensors(ExampleBatches(examples, config.batch_size, run.seed, spread))
        histories = long_enough(data.histories(), config.min_timeline_length)
        length, stride = config.context_length, config.stride or config.context_length
        if all(group.encoder in _WINDOWED for group in config.activity_groups):
            # The encoder itself looks back over context_length events only: one pass for many windows.
            length, stride = max(_LONG, 2 * length), max(_LONG, 2 * length) - length + 1
        return AsTensors(
            TimelineBatches(
                histories,
                length=length,
                stride=stride,
                batch_size=config.batch_size,
                seed=run.seed,
                events=self._spaces.of_events(histories, self._shapes),
            )
        )

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        """Returns the loss of all positions with a target; only these reach the item scores."""
        model = cast(NextItemNet, net)
        if "label" in batch:  # examples: a context each, and what came after it
            return self._take_loss(model.items, model(batch, last=True), batch["label"] - 1)
        target_BL = batch["target"]
        learnt_n = torch.nonzero(target_BL.flatten()).squeeze(1)
        hidden_ND = model(batch).flatten(0, 1).index_select(0, learnt_n)
        target_N = target_BL.flatten().index_select(0, learnt_n) - 1
        return self._take_loss(model.items, hidden_ND, target_N)

    def _held_out(self, kept: Kept, run: Run) -> Iterator[dict[str, Tensor]]:
        held = kept.held
        for start in range(0, len(held), _HELD):
            some = slice(start, start + _HELD)
            label_B = held.item[some].astype(np.int64) + 1
            yield tensors(self._newest(kept.learnt.histories(held.user[some])) | {"label": label_B})

    def _built(self) -> None:
        self._take_loss = NextItemLoss(self.config, self.memory.popularity)

    def _trained(self) -> None:
        self.net.eval()
        with torch.no_grad():
            self._item_ID = self.net.items().cpu().numpy()
            bias = self.net.items.bias
            self._bias_I = (
                np.zeros(len(self._item_ID), np.float32) if bias is None else bias.cpu().numpy().copy()
            )
        if not self.plan.label.features:  # neither training nor a feature tells of these
            self._bias_I[self.memory.popularity == 0] = -np.inf

    def _score(self, histories: Histories) -> FloatArray:
        return self._user_vectors(histories) @ self._item_ID.T + self._bias_I

    def _user_vectors(self, histories: Histories) -> FloatArray:
        device = self.device
        batch = tensors(self._newest(histories)) | self._spaces.of_told(histories)
        batch = {name: values.to(device) for name, values in batch.items()}
        with torch.no_grad():
            context: Tensor = self.net(batch, last=True)
        return context.cpu().numpy()

    def _newest(self, histories: Histories) -> Arrays:
        """Returns the contexts that predictions see, as a batch."""
        events = self._spaces.of_events(histories, self._shapes)
        return newest(histories, length=self.config.context_length, events=events)

    def _person_columns(self) -> tuple[Column, ...]:
        return self._spaces.user.columns

    def _item_columns(self) -> tuple[Column, ...]:
        return tuple(self._spaces.column(feature.name) for feature in self.plan.label.features)

    def _vectors_of_new(self, table: pl.DataFrame) -> FloatArray:
        items = self.net.items
        told = self._spaces.of_table(table, items.shapes)
        with torch.no_grad():
            vectors: FloatArray = (
                items.of_new({name: values.to(self.device) for name, values in told.items()}).cpu().numpy()
            )
        return vectors

    def _item_vectors(self) -> FloatArray:
        return self._item_ID

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns the cosine of the item vectors."""
        length_I = np.linalg.norm(self._item_ID, axis=1, keepdims=True)
        unit_ID = self._item_ID / np.maximum(length_I, 1e-12)
        return unit_ID[item_codes] @ unit_ID.T + np.where(np.isfinite(self._bias_I), np.float32(0), -np.inf)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Decomposes by occlusion; an item without any evidence has nothing to decompose."""
        base_K = np.full(len(item_codes), -np.inf, np.float32)
        part_LK = np.zeros((int(history.lengths[0]), len(item_codes)), np.float32)
        known = np.isfinite(self._bias_I[item_codes])
        base_K[known], part_LK[:, known] = super()._contributions(history, item_codes[known])
        return base_K, part_LK

    def _read_events(self) -> int:
        return self.config.context_length

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        dot_BN = np.einsum("bd,bnd->bn", self._user_vectors(histories), self._item_ID[item_code_BN])
        return dot_BN + self._bias_I[item_code_BN]


class ArrayBatches(Protocol):
    """Is the loop's `Batches` in arrays, as rooms without torch give them."""

    @property
    def n_steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    def epoch(self, number: int, *, start: int = 0) -> Iterator[Arrays]: ...


class AsTensors:
    """Is batches of arrays as batches of tensors."""

    def __init__(self, batches: ArrayBatches) -> None:
        self._batches = batches
        self.n_steps, self.batch_size = batches.n_steps, batches.batch_size

    def epoch(self, number: int, *, start: int = 0) -> Iterator[dict[str, Tensor]]:
        """Yields the batches of an epoch from `start` on."""
        for arrays in self._batches.epoch(number, start=start):
            yield tensors(arrays)


def tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Returns the arrays of a batch as tensors that share their memory."""
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
