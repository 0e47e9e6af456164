"""From `[data]` of a recipe to a data set: the source, then its side tables, then its filters."""

from __future__ import annotations

from recsmith.config.recipe import MovieLensSource
from recsmith.data import Dataset


def load_data(recipe: MovieLensSource) -> Dataset:
    """Reads what the recipe names."""
    raise NotImplementedError
