"""Recipes and settings."""

from recsmith.config.base import Config
from recsmith.config.recipe import Recipe, dump_recipe, load_recipe, parse_recipe
from recsmith.config.run import Run

__all__ = ["Config", "Recipe", "Run", "dump_recipe", "load_recipe", "parse_recipe"]
