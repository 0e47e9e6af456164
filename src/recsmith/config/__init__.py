"""Recipes and settings."""

from recsmith.config.base import Config
from recsmith.config.run import Run

__all__ = ["Config", "Run"]
