"""What models of two towers share: features of both sides, the retrieval loss, the vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
import torch
from pydantic import Field
from torch import Tensor

from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue, Shown
from recsmith.models.capabilities import SimilarItems, VectorsOfNewItems
from recsmith.models.neural.base import NeuralRecommender
from recsmith.models.neural.inputs import (
    Events,
    FeatureConfig,
    Rows,
    Spaces,
    arrays,
    item_side,
    people,
    shapes,
    user_side,
)
from recsmith.models.neural.occlusion import ExplainsByOcclusion
from recsmith.models.neural.validation import Kept
from recsmith.nn.side import as_told
from recsmith.nn.towers import Towers
from recsmith.training import Batches
from recsmith.types import CodeArray, FloatArray

_RARE = 1e-12  # of a share whose logarithm is asked


class TowerConfig(FeatureConfig):
    """Settings of the towers."""

    history_length: int = Field(20, ge=0)
    """So many newest items of the person enter as their mean vector; 0 leaves histories out."""
    tower_dims: tuple[int, ...] = ()
    """Hidden layers of each tower, before the last linear one."""
    output_dim: int = Field(32, ge=1)
    """Length of the vectors that meet."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """In the hidden layers."""
    temperature: float = Field(0.1, gt=0)
    """What scores are divided by in the loss."""
    normalised: bool = True
    """Whether vectors have length 1, so that scores are cosines."""
    extra_negatives: int = Field(0, ge=0)
    """Items drawn alike beside those of the batch; they reach what the batch seldom shows."""
    popularity_correction: bool = True
    """Whether log q, an item's share of the events, is taken off its score in the loss."""


class TowerModel(VectorsOfNewItems, SimilarItems, ExplainsByOcclusion, NeuralRecommender):
    """Scores by the product of a person's vector and an item's.

    A stranger enters by history where the tower reads one, else as the mean of the vectors of their items;
    with features told as well, half by the tower.
    A new item enters by its features.
    """

    config: TowerConfig
    item_ID: FloatArray
    """The item tower's vectors, made when the weights are final."""

    @property
    @abstractmethod
    def towers(self) -> Towers:
        """The towers of the network."""

    def _learn(self, data: Dataset) -> dict[str, Any]:
        settings = self.config
        names = data.user_features if settings.user_features is None else settings.user_features
        if not (settings.user_id or settings.history_length or settings.context or names):
            person = Shown("no user_id, history_length, context or user_features")
            raise InvalidValue("the person's tower", "given something to read", person)
        return Spaces.learn(data, self.memory, settings).to_dict()

    def _build_towers(self, learned: Mapping[str, Any]) -> Towers:
        settings, spaces = self.config, Spaces.of_dict(learned)
        items = item_side(spaces, self.memory, settings)
        if not items.width:
            thing = Shown("no item_id or item_features")
            raise InvalidValue("the item's tower", "given something to read", thing)
        return Towers(
            user_side(spaces, self.memory, settings),
            items,
            shapes(spaces.context, settings),
            dims=settings.tower_dims,
            output_dim=settings.output_dim,
            dropout=settings.dropout,
            with_history=settings.history_length > 0,
            normalised=settings.normalised,
        )

    def _batches(self, data: Dataset, run: Run) -> Batches:
        share_I = np.bincount(data.interactions.item, minlength=data.n_items) / len(data)
        self._log_share_R = torch.from_numpy(np.log(np.maximum(np.append(0, share_I), _RARE))).float()
        return Events.of(data, Spaces.of_dict(self.learned), self.config, seed=run.seed)

    def _held_out(self, kept: Kept, run: Run) -> Iterator[Rows]:
        spaces = Spaces.of_dict(self.learned)
        return Events.of(kept.data, spaces, self.config, seed=run.seed, chosen=kept.place_n).epoch(0)

    def _retrieval_loss(self, person_BD: Tensor, row_B: Tensor) -> Tensor:
        """Returns the softmax of each person's own item against the batch's, and the extra negatives.

        An item stands among the negatives as often as it is taken, so log q is its share of the events; the
        extra ones are drawn alike and corrected by theirs.
        """
        settings, device = self.config, row_B.device
        n_extra = settings.extra_negatives
        log_q = self._log_share_R.to(device)[row_B] + float(np.log(len(row_B)))
        rows = row_B
        if n_extra:
            n_items = len(self.memory.items)
            rows = torch.cat([row_B, torch.randint(1, n_items + 1, (n_extra,), device=device)])
            log_q = torch.cat([log_q, log_q.new_full((n_extra,), float(np.log(n_extra / n_items)))])
        logits = (person_BD / settings.temperature) @ self.towers.things(rows).T
        if settings.popularity_correction:
            logits = logits - log_q[None, :]
        own = torch.arange(len(row_B), device=device)
        same = row_B[:, None] == rows[None, :]
        same[own, own] = False
        return torch.nn.functional.cross_entropy(logits.masked_fill(same, -torch.inf), own)

    def _trained(self) -> None:
        with torch.no_grad():
            rows = torch.arange(1, len(self.memory.items) + 1, device=self.device)
            self.item_ID = self.towers.things(rows).cpu().numpy()

    def _score(self, histories: Histories) -> FloatArray:
        scores: FloatArray = self._user_vectors(histories) @ self.item_ID.T
        return scores

    def _item_vectors(self) -> FloatArray:
        return self.item_ID

    def _item_columns(self) -> tuple[Column, ...]:
        return Spaces.of_dict(self.learned).items.columns

    def _vectors_of_new(self, table: pl.DataFrame) -> FloatArray:
        told = arrays(Spaces.of_dict(self.learned).items, table, unknown_first=False)
        batch = {
            name: values.to(self.device) for name, values in as_told(np.ones(len(table), bool), told).items()
        }
        with torch.no_grad():
            rows = torch.zeros(len(table), dtype=torch.int64, device=self.device)
            vectors: FloatArray = self.towers.things(rows, batch).cpu().numpy()
        return vectors

    def _user_vectors(self, histories: Histories) -> FloatArray:
        with torch.no_grad():
            batch = self._requests(histories)
            vector_BD: FloatArray = self.towers.people(batch).cpu().numpy()
        if not self.config.history_length:
            stranger = (histories.user < 0) & (histories.lengths > 0)
            matrix = histories.binary(len(self.item_ID))[stranger]
            mean_SD = (matrix @ self.item_ID) / np.maximum(matrix.sum(axis=1), 1)
            told_S = histories.told[stranger, None]
            vector_BD[stranger] = np.where(told_S, (vector_BD[stranger] + mean_SD) / 2, mean_SD)
        return vector_BD

    def _read_events(self) -> int:
        return self.config.history_length or super()._read_events()

    def _explained(self, histories: Histories) -> Histories:
        return histories if self.config.history_length else histories.as_strangers()

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        scores: FloatArray = np.einsum(
            "bd,bnd->bn", self._user_vectors(histories), self.item_ID[item_code_BN], optimize=True
        )
        return scores

    def _requests(self, histories: Histories) -> Rows:
        batch = people(histories, Spaces.of_dict(self.learned), self.config)
        return {name: tensor.to(self.device) for name, tensor in batch.items()}

    def _person_columns(self) -> tuple[Column, ...]:
        return Spaces.of_dict(self.learned).users.columns

    def _reads_request_time(self) -> bool:
        return bool(self.config.context)

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        unit_ID = self.item_ID / np.maximum(np.linalg.norm(self.item_ID, axis=1), _RARE)[:, None]
        cosine_BI: FloatArray = unit_ID[item_codes] @ unit_ID.T
        return cosine_BI
