"""NeuralRecommender: a recommender whose core is a torch network, trained by the one loop."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from recsmith.config import Config, Run
from recsmith.data import Dataset
from recsmith.errors import InvalidValue
from recsmith.models.base import State
from recsmith.models.capabilities import PartialFit
from recsmith.models.neural.validation import Kept, keep_back, mean_loss, ndcg
from recsmith.nn.event_embedding import GroupEmbedding
from recsmith.training import Batches, Hook, train
from recsmith.training.average import WeightAverage
from recsmith.training.device import resolve
from recsmith.training.hooks import (
    Checkpoints,
    EachEpoch,
    EarlyStopping,
    LearningCurve,
    ProgressBar,
    StopAtStep,
    StopOnNaN,
    TensorBoard,
)


class NeuralConfig(Config):
    """Settings that every network shares: how it learns."""

    n_epochs: int = Field(10, ge=1)
    """Passes over the data."""
    update_epochs: int = Field(1, ge=1)
    """Passes of `partial_fit` over the log, old and new."""
    batch_size: int = Field(256, ge=1)
    """Examples in a step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Of the optimiser, before the schedule."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled for adamw, else a term of the gradient."""
    optimizer: Literal["adam", "adamw", "adagrad", "sgd"] = "adam"
    """The rule of the step."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls over the training."""
    warmup: float = Field(0.0, ge=0, lt=1)
    """The share of all steps over which the learning rate rises."""
    clip_norm: float | None = Field(None, gt=0)
    """The largest norm of the gradient."""
    weight_average: float | None = Field(None, gt=0, lt=1)
    """Decay a step of a moving average of the weights, kept in place of the last ones: .99 to .999."""
    patience: int | None = Field(None, ge=1)
    """Epochs without a better figure on validation that end the training; the best weights are kept.

    n_epochs is then the most there are. All of them are done, and nothing is kept back, when not given.
    """
    validation: str | float = "last"
    """What patience keeps back: "last", each person's last event (5,000 at most), or a share at random."""
    validate_by: Literal["NDCG@10", "loss"] = "NDCG@10"
    """The figure that patience watches."""

    @field_validator("validation")
    @classmethod
    def _can_be_kept_back(cls, rule: str | float) -> str | float:
        if rule != "last" and (isinstance(rule, str) or not 0 < rule < 1):
            raise ValueError("'last', or a share between 0 and 1")
        return rule


class NeuralRecommender(PartialFit):
    """Fits a network; a model writes what is learnt of the data, the network, its batches, its loss.

    `_score` (of `Recommender`) runs `self.net` in evaluation mode under `torch.no_grad`.
    """

    config: NeuralConfig
    net: nn.Module
    learned: dict[str, Any]
    """What `_learn` found, plain values: sizes, vocabularies of features, scales. Saved with the model."""

    @abstractmethod
    def _learn(self, data: Dataset) -> dict[str, Any]:
        """Returns what the network's shape and inputs depend on, as plain values for JSON."""

    @abstractmethod
    def _build(self, learned: Mapping[str, Any]) -> nn.Module:
        """Returns the untrained network; uses `self.config`, `self.memory` and `learned` alone."""

    @abstractmethod
    def _batches(self, data: Dataset, run: Run) -> Batches:
        """Returns the batches to learn from; those of an epoch depend on (run.seed, epoch) alone."""

    @abstractmethod
    def _loss(self, net: nn.Module, batch: Any) -> Tensor:
        """Returns the scalar loss of a batch."""

    def _held_out(self, kept: Kept, run: Run) -> Iterator[Any]:
        """Yields batches of the events kept back, for their loss, each with a row of `user` an example."""
        raise InvalidValue("validate_by", f"'NDCG@10' for {type(self).__name__}", self.config.validate_by)

    def _hooks(self, data: Dataset, run: Run) -> Sequence[Hook]:
        """Returns the model's own hooks, such as a judge of each epoch."""
        return ()

    @final
    def _fit(self, data: Dataset, run: Run) -> None:
        self.learned = self._learn(data)
        torch.manual_seed(run.seed)
        self.net = self._build(self.learned)
        self._built()
        self._train(data, run, n_epochs=self.config.n_epochs)

    @final
    def _partial_fit(self, data: Dataset, run: Run) -> None:
        """Goes on from the weights there are; new users and items start as the unknown one."""
        before = self.net.state_dict()
        torch.manual_seed(run.seed)
        self.net = self._build(self.learned)
        self._built()
        self.net.load_state_dict(
            {name: _widened(before[name], tensor) for name, tensor in self.net.state_dict().items()}
        )
        self._train(data, run, n_epochs=self.config.update_epochs)

    def _train(self, data: Dataset, run: Run, *, n_epochs: int) -> None:
        torch.set_num_threads(run.threads)
        own = tuple(self._hooks(data, run))
        if run.judge_epoch is not None:
            own += (EachEpoch(self._shown(run.judge_epoch)),)
        average = None if self.config.weight_average is None else WeightAverage(self.config.weight_average)
        hooks: list[Hook] = [StopOnNaN(), *([average] if average else [])]
        learnt = data
        if self.config.patience is not None:
            kept = keep_back(data, self.config.validation, seed=run.seed)
            learnt = kept.learnt
            hooks += self._watch(kept, run, patience=self.config.patience)
        elif not any(isinstance(hook, LearningCurve) for hook in own):
            hooks.append(LearningCurve())
        hooks += [*own, *([average.back] if average else []), ProgressBar(type(self).__name__)]
        if run.tensorboard is not None:
            hooks.append(TensorBoard(str(run.tensorboard)))
        if run.stop_at_step is not None:
            hooks.append(StopAtStep(run.stop_at_step))
        if run.checkpoints is not None:
            hooks.append(Checkpoints(every=run.checkpoint_every))
        train(
            self.net,
            self._loss,
            self._batches(learnt, run),
            optimizer=self._optimizer(self.net),
            n_epochs=n_epochs,
            run=run,
            schedule=self._schedule,
            clip_norm=self.config.clip_norm,
            hooks=hooks,
        )
        self._trained()

    def _watch(self, kept: Kept, run: Run, *, patience: int) -> tuple[Hook, Hook]:
        """Returns the hooks that judge each epoch by what was kept back, and end when it gets no better."""
        by_loss = self.config.validate_by == "loss"
        figure = f"validation {self.config.validate_by}"

        def judge(net: nn.Module) -> dict[str, float]:
            if by_loss:
                return {figure: mean_loss(self._loss, net, self._held_out(kept, run), run)}
            self._trained()
            return {figure: ndcg(self, kept, run)}

        return (
            LearningCurve(judge),
            EarlyStopping(figure, patience=patience, better="lower" if by_loss else "higher"),
        )

    def _shown(self, judge: Callable[[int], None]) -> Callable[[int], None]:
        """Returns a call of `judge` by which the model is ready to be asked."""

        def call(epochs_done: int) -> None:
            self._trained()
            judge(epochs_done)

        return call

    @torch.no_grad()
    def _forget(self, user_code: int) -> None:
        """Clears the user's row of every table that has one for each user."""
        for module in self.net.modules():
            if isinstance(module, GroupEmbedding):
                for place, feature in enumerate(module.features):
                    if feature.name == "user_id" and f"t{place}" in module.tables:
                        module.tables[f"t{place}"].get_parameter("table.weight")[user_code + 1] = 0
        users = dict(self.net.named_children()).get("users")
        if isinstance(users, nn.Embedding):
            users.weight[user_code + 1] = 0
        self._trained()

    def _built(self) -> None:
        """Is called when `self.net` is there, untrained or with weights to come: sets up what hangs on it."""

    def _trained(self) -> None:
        """Is called when the weights are final (after training, after loading): caches, item tables."""

    def _optimizer(self, net: nn.Module) -> torch.optim.Optimizer:
        settings = self.config
        kinds = {
            "adam": torch.optim.Adam,
            "adamw": torch.optim.AdamW,
            "adagrad": torch.optim.Adagrad,
            "sgd": torch.optim.SGD,
        }
        return kinds[settings.optimizer](  # fused: one pass over each table instead of a dozen
            net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )

    def _schedule(self, done: float) -> float:
        """Returns the factor on the learning rate when a share of all steps is done."""
        settings = self.config
        if done < settings.warmup:
            return (done + 1e-3) / (settings.warmup + 1e-3)
        left = (1 - done) / max(1 - settings.warmup, 1e-9)
        if settings.schedule == "linear":
            return left
        if settings.schedule == "cosine":
            return 0.5 * (1 - math.cos(math.pi * left))
        return 1.0

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.net.parameters()).device

    def _state(self) -> Mapping[str, State]:
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.net.state_dict().items()}

    def _learned(self) -> dict[str, Any]:
        return self.learned

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        self.learned = dict(learned)
        self.net = self._build(self.learned)
        self._built()
        self.net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        self.net.to(resolve("cpu"))
        self.net.eval()
        self._trained()


def _widened(old: Tensor, new: Tensor) -> Tensor:
    """Returns the old tensor with as many rows as the new one; rows that are added are copies of row 0."""
    if old.shape == new.shape:
        return old
    return torch.cat([old, old[:1].expand(len(new) - len(old), *old.shape[1:])])
