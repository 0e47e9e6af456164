"""Models that any other has to beat."""

from recsmith.models.baseline.popular import Popular, PopularConfig

__all__ = ["Popular", "PopularConfig"]
