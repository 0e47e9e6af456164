"""Which graph expresses which model on a device; and why some models have none."""

from __future__ import annotations

import importlib
from functools import singledispatch
from typing import TYPE_CHECKING

from recsmith.errors import InvalidValue, Shown
from recsmith.models.base import Recommender

if TYPE_CHECKING:
    from recsmith.export.graphs.base import DeviceGraph, RankGraph

_FILES = (
    "next_item",
    "counts",
    "linear",
    "factors",
    "neighbours",
    "towers",
    "descent",
    "rankers",
    "blend",
)
"""The files of this folder that register graphs; each is imported when a model is first expressed."""

WHY_NOT: dict[str, str] = {
    "UserKNN": "its scores need the histories of everybody in training, which do not belong on a device",
    "FactorizationMachine": "each sample of its parameters fits a stranger's column anew, and there are many",
}
"""Class name → why it has no graph."""


@singledispatch
def graph_of(model: Recommender) -> DeviceGraph:
    """Returns the graph of a model that is fitted; `graph_of.register` adds a class."""
    name = type(model).__name__
    why = WHY_NOT.get(name, "no graph is registered for its class with recsmith.export.graphs.graph_of")
    raise InvalidValue(f"{name}", "a model that can be expressed as a graph", Shown(why))


@singledispatch
def rank_graph_of(model: Recommender) -> RankGraph | None:
    """Returns the graph that re-ranks given candidates, for models that are made for it; else None."""
    return None


def express(model: Recommender) -> DeviceGraph:
    """Returns the graph whose scores are the model's `_score` of a stranger.

    Raises `InvalidValue` with the reason for a model that cannot be expressed.
    """
    _register()
    return graph_of(model)


def express_ranking(model: Recommender) -> RankGraph | None:
    """Returns the graph that goes into the bundle's second file, or None."""
    _register()
    return rank_graph_of(model)


def _register() -> None:
    for file in _FILES:
        importlib.import_module(f"{__name__}.{file}")
