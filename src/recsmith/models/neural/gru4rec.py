"""GRU4Rec: a gated recurrent net over the history (Hidasi et al., ICLR 2016), with the loss as an option."""

from __future__ import annotations

from pydantic import Field

from recsmith.models.neural.next_item import NextItem
from recsmith.models.neural.next_item_config import (
    IDS,
    GroupSettings,
    NextItemConfig,
    ShortLogConfig,
    plan_of,
)


class GRU4RecConfig(ShortLogConfig):
    """One layer of GRU cells over item vectors that are also what is predicted."""

    embedding_dim: int = Field(64, ge=1)
    """Length of the item vectors."""
    n_units: int | None = Field(None, ge=1)
    """GRU cells; embedding_dim when not given."""
    n_layers: int = Field(1, ge=1)
    """Layers of them."""
    context_length: int = Field(200, ge=1)
    """The newest events that a prediction sees."""
    n_epochs: int = Field(10, ge=1)
    """Passes over the data."""


class GRU4Rec(NextItem):
    """Recommends by a recurrent net over the history."""

    Config = GRU4RecConfig
    config: GRU4RecConfig

    @property
    def plan(self) -> NextItemConfig:
        """The settings in NextItem's terms."""
        config = self.config
        group = GroupSettings(features=IDS, encoder="gru", n_units=config.n_units, n_layers=config.n_layers)
        return plan_of(config, group, embedding_dim=config.embedding_dim, projection=True)
