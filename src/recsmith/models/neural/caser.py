"""Caser: convolutions over the newest items (Tang & Wang, WSDM 2018), without its user vectors.

Those would not serve strangers; the short context says what a person is after now.
"""

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


class CaserConfig(ShortLogConfig):
    """Filters over the newest events: horizontal ones of each height, vertical ones over the whole window."""

    embedding_dim: int = Field(64, ge=1)
    """Length of the item vectors."""
    n_horizontal: int = Field(16, ge=1)
    """Horizontal filters of each height."""
    heights: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Events that a horizontal filter sees; those above context_length are left out."""
    n_vertical: int = Field(4, ge=0)
    """Vertical filters."""
    context_length: int = Field(10, ge=1)
    """The newest events that a prediction sees."""
    n_epochs: int = Field(10, ge=1)
    """Passes over the data."""
    learning_rate: float = Field(2e-3, gt=0)
    """Of the optimiser, before the schedule."""


class Caser(NextItem):
    """Recommends by convolutions over the newest items."""

    Config = CaserConfig
    config: CaserConfig

    @property
    def plan(self) -> NextItemConfig:
        """The settings in NextItem's terms."""
        config = self.config
        group = GroupSettings(
            features=IDS,
            encoder="caser",
            n_filters=(config.n_horizontal,),
            heights=config.heights,
            n_vertical=config.n_vertical,
        )
        return plan_of(config, group, embedding_dim=config.embedding_dim, projection=True)
