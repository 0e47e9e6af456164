"""What fast.ai's models share: vectors of users and items, a rating of both, descent that finds a stranger's
vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from recsmith.config import Run
from recsmith.data import Dataset, Histories, Interactions
from recsmith.models.capabilities import HasVectors, PredictsRatings, SimilarItems
from recsmith.models.neural.base import NeuralConfig, NeuralRecommender
from recsmith.models.neural.occlusion import ExplainsByOcclusion
from recsmith.models.neural.rating_loss import LearnsRatings
from recsmith.models.neural.validation import Kept
from recsmith.rng import generator
from recsmith.training import Batches
from recsmith.types import CodeArray, FloatArray

_PAIRS = 131_072  # user and item pairs rated at once


class EmbeddingConfig(NeuralConfig, LearnsRatings):
    """Settings of the embedding models."""

    n_epochs: int = Field(15, ge=1)
    """Passes over the ratings."""
    batch_size: int = Field(1024, ge=1)
    """Ratings in a step."""
    learning_rate: float = Field(5e-3, gt=0)
    """Of the optimiser, before the schedule."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate falls over the training."""
    embedding_dim: int = Field(50, ge=1)
    """Length of the vectors."""
    validation: str | float = 0.1
    """What patience keeps back: "last", each person's last event (5,000 at most), or a share at random."""
    validate_by: Literal["NDCG@10", "loss"] = "loss"
    """The figure that patience watches."""
    embedding_decay: float = Field(0.13, ge=0)
    """Pull of the vectors, not of biases, towards zero, per rating: held back whether frequent or rare."""
    init_scale: float = Field(0.05, gt=0)
    """Vectors start from U(−init_scale, init_scale)."""
    rating_range: tuple[float, float] | None = None
    """What a sigmoid holds ratings within, where there is one; by default half a star beyond the data's."""
    fold_in_steps: int = Field(60, ge=1)
    """Descent steps that find a stranger's vector, the items held fixed."""
    fold_in_decay: float = Field(0.02, ge=0)
    """Pull of a stranger's vector towards the mean person, per rating seen."""


class Pairs(nn.Module, ABC):
    """Holds the vectors and rates pairs; row 0 is the mean user or item, for who or what is not known."""

    def __init__(self, n_users: int, n_items: int, *, user_width: int, item_width: int, scale: float) -> None:
        super().__init__()
        self.users = nn.Embedding(n_users + 1, user_width)
        self.items = nn.Embedding(n_items + 1, item_width)
        for table in (self.users, self.items):
            nn.init.uniform_(table.weight, -scale, scale)

    @abstractmethod
    def rate(self, user_NP: Tensor, item_NQ: Tensor) -> Tensor:
        """Returns the ratings [N] of user vectors and item vectors (with their biases, where there are)."""

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns [B]."""
        return self.rate(self.users(batch["user"]), self.items(batch["item"]))


class EmbeddingModel(PredictsRatings, HasVectors, SimilarItems, ExplainsByOcclusion, NeuralRecommender):
    """Minimises the loss of ratings; scores by the rating predicted."""

    config: EmbeddingConfig
    net: Pairs

    @abstractmethod
    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        """Returns the network."""

    def _learn(self, data: Dataset) -> dict[str, Any]:
        low, high = self.memory.weight_range
        span = self.config.rating_range or (low - 0.5, high + 0.5)
        return {"range": list(span), "mean": self.memory.mean_weight}

    def _batches(self, data: Dataset, run: Run) -> Batches:
        return _Ratings(data.interactions, self.config.batch_size, run.seed)

    def _held_out(self, kept: Kept, run: Run) -> Iterator[dict[str, Tensor]]:
        return _Ratings(kept.held, self.config.batch_size, run.seed).epoch(0)

    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        user_BP, item_BQ = self.net.users(batch["user"]), self.net.items(batch["item"])
        loss = self.config.loss_of(self.net.rate(user_BP, item_BQ), batch["weight"])
        if not net.training:  # the pull holds learning back, and is no part of what is judged
            return loss
        dim = self.config.embedding_dim  # what follows is a bias: one number of many ratings, left free
        pull_B = user_BP[:, :dim].square().sum(-1) + item_BQ[:, :dim].square().sum(-1)
        return loss + self.config.embedding_decay * pull_B.mean()

    def _trained(self) -> None:
        """Gives unknown users and items, row 0 and those without a rating, the mean vector."""
        seen = (self.memory.histories.lengths > 0, self.memory.popularity > 0)
        with torch.no_grad():
            for table, is_seen in zip((self.net.users, self.net.items), seen, strict=True):
                known = torch.from_numpy(np.flatnonzero(is_seen) + 1).to(table.weight.device)
                unknown = torch.from_numpy(np.append(0, np.flatnonzero(~is_seen) + 1)).to(table.weight.device)
                table.weight[unknown] = table.weight[known].mean(0)

    def _score(self, histories: Histories) -> FloatArray:
        every = np.arange(len(self.memory.items), dtype=np.int32)
        return self._score_some(histories, np.broadcast_to(every, (len(histories), len(every))))

    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        return np.clip(self._ratings(histories, row_n, item_n), *self.memory.weight_range)

    def _ratings(self, histories: Histories, row_n: np.ndarray, item_n: np.ndarray) -> FloatArray:
        user_BP = self._people_vectors(histories)
        rows = torch.as_tensor(np.asarray(row_n, np.int64), device=self.device)
        items = torch.as_tensor(np.asarray(item_n, np.int64) + 1, device=self.device)
        parts = [np.zeros(0, np.float32)]
        with torch.no_grad():
            for start in range(0, len(rows), _PAIRS):
                some = slice(start, start + _PAIRS)
                rating_n = self.net.rate(user_BP[rows[some]], self.net.items(items[some]))
                parts.append(rating_n.cpu().numpy())
        return np.concatenate(parts)

    def _explained(self, histories: Histories) -> Histories:
        """Sees everybody as a stranger: what their ratings say, found by descent."""
        return histories.as_strangers()

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        row_n = np.repeat(np.arange(len(histories)), item_code_BN.shape[1])
        return self._ratings(histories, row_n, item_code_BN.ravel()).reshape(item_code_BN.shape)

    def _people_vectors(self, histories: Histories) -> Tensor:
        """Returns what the network knows of each person: learnt, or found by descent, or the mean."""
        with torch.no_grad():
            user_BP = self.net.users(torch.as_tensor(histories.user.astype(np.int64) + 1, device=self.device))
        strangers = np.flatnonzero((histories.user < 0) & (histories.lengths > 0))
        if len(strangers):
            user_BP[torch.from_numpy(strangers).to(self.device)] = self._fold_in(histories.take(strangers))
        return user_BP

    def _fold_in(self, histories: Histories) -> Tensor:
        """Finds the vectors that fit the ratings of strangers, from the mean person on, by Adam.

        Rows do not touch each other, so one by one gives what a batch gives.
        """
        lengths = torch.as_tensor(histories.lengths, dtype=torch.float32, device=self.device)
        row_n = torch.as_tensor(np.repeat(np.arange(len(histories)), histories.lengths), device=self.device)
        weight_n = torch.as_tensor(histories.weight, device=self.device)
        with torch.enable_grad():
            items = torch.as_tensor(histories.item.astype(np.int64) + 1, device=self.device)
            item_NQ = self.net.items(items).detach()
            mean_P = self.net.users.weight[0].detach()
            found_BP = mean_P.repeat(len(histories), 1).requires_grad_()
            descent = torch.optim.Adam([found_BP], lr=0.1)
            for _ in range(self.config.fold_in_steps):
                error_n = (self.net.rate(found_BP[row_n], item_NQ) - weight_n).square()
                pull_B = self.config.fold_in_decay * (found_BP - mean_P).square().sum(-1) * lengths
                (gradient,) = torch.autograd.grad(error_n.sum() + pull_B.sum(), found_BP)
                found_BP.grad = gradient
                descent.step()
        return found_BP.detach()

    def _item_vectors(self) -> FloatArray:
        vectors: FloatArray = self.net.items.weight[1:, : self.config.embedding_dim].detach().cpu().numpy()
        return vectors

    def _user_vectors(self, histories: Histories) -> FloatArray:
        vectors: FloatArray = self._people_vectors(histories)[:, : self.config.embedding_dim].cpu().numpy()
        return vectors

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        item_ID = self._item_vectors()
        unit_ID = item_ID / np.maximum(np.linalg.norm(item_ID, axis=1), 1e-12)[:, None]
        cosine_BI: FloatArray = unit_ID[item_codes] @ unit_ID.T
        return cosine_BI


@dataclass(frozen=True, eq=False)
class _Ratings:
    """Cuts batches of single ratings."""

    log: Interactions
    batch_size: int
    seed: int

    @property
    def n_steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.log) // self.batch_size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[dict[str, Tensor]]:
        """Yields the batches of an epoch from `start` on; every rating once."""
        order = generator(self.seed, "ratings", number).permutation(len(self.log))
        for step in range(start, self.n_steps):
            some = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield {
                "user": torch.from_numpy(self.log.user[some].astype(np.int64) + 1),
                "item": torch.from_numpy(self.log.item[some].astype(np.int64) + 1),
                "weight": torch.from_numpy(self.log.weight[some]),
            }
