"""Records: what comes in, an event or an item, as plain values; ids are text here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """Is one line of the catalogue; `data` holds categories and whatever else is known."""

    item_id: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    in_stock: bool = True
    deleted: bool = False
    created: int = 0
    version: int = 0
