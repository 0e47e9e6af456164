"""Records: what comes in, an event or an item, as plain values; ids are text here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from recsmith.models.content.hashed import hashed

CATEGORIES = ("category", "categories", "genres", "tags")
"""Fields of an item that name its categories: a word or a list of words."""


@dataclass(frozen=True)
class Event:
    """Is one thing that a person did: `time` in milliseconds, `weight` a rating or a count."""

    user_id: str
    item_id: str
    weight: float = 1.0
    time: int = 0
    event_id: str = ""


@dataclass(frozen=True)
class Item:
    """Is one line of the catalogue; `data` holds categories and whatever else is known.

    What follows from the item alone is kept with it: a catalogue that changes in one item reads only that.
    """

    item_id: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    in_stock: bool = True
    deleted: bool = False
    created: int = 0
    version: int = 0

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The categories that the data name."""
        for name in CATEGORIES:
            value = self.data.get(name)
            if isinstance(value, str):
                return tuple(part for part in value.split("|") if part)
            if isinstance(value, Sequence):
                return tuple(str(part) for part in value)
        return ()

    @cached_property
    def words(self) -> bytes:
        """The words of title and data, hashed."""
        words = self.title.lower().split()
        for name, value in self.data.items():
            if isinstance(value, str):
                words += [f"{name}:{part}" for part in value.lower().replace("|", " ").split()]
            elif isinstance(value, Sequence):
                words += [f"{name}:{str(part).lower()}" for part in value]
        return hashed(words)
