"""Which items may come back: in stock, of the categories asked for, not blocked, as the caller says."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from recsmith.errors import InvalidValue
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.stages.base import Work
from recsmith.serving.world import World

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "in": lambda value, among: value in among,
    "contains": lambda value, part: part in value,
}
_DEPTH = 8


def permit(world: World, works: Sequence[Work]) -> None:
    """Makes each request's mask over the catalogue, so that retrieval looks only where it may."""
    catalogue = world.catalogue
    for work in works:
        request = work.request
        allowed = catalogue.available
        if request.categories:
            inside = np.zeros(len(catalogue), bool)
            for name in request.categories:
                inside[catalogue.members.get(name, np.zeros(0, np.int32))] = True
            allowed = allowed & inside
        if request.where:
            allowed = allowed & expression(catalogue, request.where)
        gone = [catalogue.index[item_id] for item_id in request.blocked if item_id in catalogue.index]
        allowed = allowed.copy()
        allowed[gone] = False
        if request.exclude_seen:
            allowed[request.seen] = False
        work.allowed = allowed


def drop(world: World, works: Sequence[Work]) -> None:
    """Takes out what may not come back, whatever source it came from."""
    for work in works:
        assert work.allowed is not None
        work.keep(np.flatnonzero(work.allowed[work.place]))


def expression(catalogue: Catalogue, where: Mapping[str, Any]) -> np.ndarray:
    """Returns bool[n]: the items for which a caller's expression holds.

    {"field": "year", "ge": 1990} compares; {"all": […]}, {"any": […]}, {"not": {…}} combine. A field that
    an item lacks, or of another type, compares as false. Nothing is evaluated as code.
    """
    holds = compiled(where, depth=0)
    return np.fromiter((holds(item.data) for item in catalogue.items), bool, len(catalogue))


def compiled(where: Any, *, depth: int) -> Callable[[Mapping[str, Any]], bool]:
    """Returns the expression as a function of an item's data; raises `InvalidValue` for anything else."""
    if not isinstance(where, Mapping) or depth > _DEPTH:
        raise InvalidValue("where", f"an object, at most {_DEPTH} deep", where)
    names = set(where)
    for word, holds in (("all", all), ("any", any)):
        if names == {word}:
            if not isinstance(where[word], list):
                raise InvalidValue(f"where.{word}", "a list of expressions", where[word])
            parts = [compiled(part, depth=depth + 1) for part in where[word]]
            return lambda data, parts=parts, holds=holds: holds(part(data) for part in parts)  # type: ignore[misc]
    if names == {"not"}:
        inner = compiled(where["not"], depth=depth + 1)
        return lambda data: not inner(data)
    words = names - {"field"}
    if "field" not in names or len(words) != 1 or not words <= set(_COMPARE):
        got = f"one of {', '.join(_COMPARE)} beside a field, or all, any, not"
        raise InvalidValue("where", got, dict(where))
    word = words.pop()
    compare, name, other = _COMPARE[word], where["field"], where[word]

    def one(data: Mapping[str, Any]) -> bool:
        try:
            return name in data and bool(compare(data[name], other))
        except TypeError:
            return False

    return one
