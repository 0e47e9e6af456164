"""SASRec: self-attention over the history (Kang & McAuley, ICDM 2018), with the loss as an option.

With the softmax over all items it is the strongest of its kind (Klenitskiy & Vasilev, RecSys 2023); with
`block = "gated"` and sampled softmax it is what eSASRec describes (Khrylchenko et al. 2025).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recsmith.models.neural.next_item import NextItem
from recsmith.models.neural.next_item_config import (
    IDS,
    GroupSettings,
    NextItemConfig,
    SequenceConfig,
    plan_of,
)


class SASRecConfig(SequenceConfig):
    """The paper's settings for MovieLens 1M, but for the loss."""

    embedding_dim: int = Field(64, ge=1)
    """Length of the vectors of items and of the blocks."""
    n_blocks: int = Field(2, ge=1)
    """Blocks of attention and feed-forward net."""
    n_heads: int = Field(1, ge=1)
    """Heads of attention; they divide embedding_dim."""
    feedforward: int = Field(1, ge=1)
    """Width of the inner layer, in embedding_dim."""
    block: Literal["pre", "post", "gated"] = "pre"
    """Where the norm is; gated is LiGR's block."""
    context_length: int = Field(200, ge=1)
    """The newest events that a prediction sees."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """On the events' vectors, once, and in the blocks."""
    n_epochs: int = Field(60, ge=1)
    """Passes over the data."""
    batch_size: int = Field(32, ge=1)
    """Windows of timelines in a step, on average; every event of a window is learnt."""
    init_scale: float = Field(0.16, gt=0)
    """Item vectors start from N(0, init_scale² / D): .02 each number when D is 64.

    Scores are products with the very vectors that are read, so long ones begin by foretelling the last item.
    """
    learning_rate: float = Field(3e-3, gt=0)
    """Of the optimiser, before the schedule."""
    clip_norm: float | None = Field(5.0, gt=0)
    """The largest norm of the gradient."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """How the learning rate falls over the training."""
    warmup: float = Field(0.02, ge=0, lt=1)
    """The share of all steps over which the learning rate rises."""


class SASRec(NextItem):
    """Recommends by self-attention over the `context_length` newest items of a history."""

    Config = SASRecConfig
    config: SASRecConfig

    @property
    def plan(self) -> NextItemConfig:
        """The settings in NextItem's terms."""
        config = self.config
        group = GroupSettings(
            features=IDS,
            encoder="transformer",
            n_blocks=config.n_blocks,
            n_heads=config.n_heads,
            feedforward=config.feedforward,
            block=config.block,
        )
        return plan_of(config, group, embedding_dim=config.embedding_dim, projection=False)
