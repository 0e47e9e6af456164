"""What the docstrings of the models say that fitting costs, as functions of a log's size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2

from recsmith.models import MODELS


@dataclass(frozen=True, kw_only=True)
class Size:
    """Says how large a log is: events E, users U, items I, and sums of squared lengths of its rows."""

    events: float
    users: float
    items: float
    squares: float
    """Σ_u events of u², the pairs of items that met in a person."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Holds the time and the memory of a fit up to a factor, and how they are written."""

    time: Callable[[Size], float]
    memory: Callable[[Size], float]
    says: str


def _vectors(n_dims: int, an_event: int) -> Callable[[Size], float]:
    """Bytes of vectors, twice as at the start, and those of an event beside the log's own 20."""
    return lambda s: 8 * n_dims * (s.users + s.items) + (20 + an_event) * s.events


def _inverted(s: Size) -> float:
    """The side that `EASE` inverts: the one whose form takes less memory."""
    return s.items if s.items**2 <= s.users**2 + 3 * s.users * s.items else s.users


_COSTS = {
    "Popular": Cost(time=lambda s: s.events, memory=lambda s: 28 * s.events, says="events"),
    "UserKNN": Cost(time=lambda s: s.events, memory=lambda s: 60 * s.events, says="events"),
    "ItemKNN": Cost(
        time=lambda s: s.squares,
        memory=lambda s: 3200 * s.items + 60 * s.events,
        says="Σ events of a user²",
    ),
    "PureSVD": Cost(
        time=lambda s: s.events + 50 * (s.users + s.items),
        memory=lambda s: 400 * (s.users + 3 * s.items) + 60 * s.events,
        says="events + sides · D, a step",
    ),
    "FunkSVD": Cost(time=lambda s: s.events, memory=_vectors(100, 12), says="events · D, an epoch"),
    "BPR": Cost(
        time=lambda s: s.events * (64 + log2(s.events / s.users)),
        memory=_vectors(64, 40),
        says="events · (D + log history), an epoch",
    ),
    "IALS": Cost(
        time=lambda s: (
            64 * (s.events * 16 + (s.users + s.items) * 64 * 12) + 64**2 * (s.events + 64 * s.users)
        ),
        memory=_vectors(64, 32),
        says="events · D · steps + sides · D² · steps, an epoch; events · D² + users · D³ at last",
    ),
    "EASE": Cost(
        time=lambda s: _inverted(s) ** 3 + s.squares,
        memory=lambda s: 4 * min(s.items**2, s.users**2 + 3 * s.users * s.items),
        says="items³, or users³ + events · users",
    ),
    "RP3beta": Cost(
        time=lambda s: s.squares,
        memory=lambda s: 6400 * s.items + 60 * s.events,
        says="Σ events of a user²",
    ),
    "GFCF": Cost(
        time=lambda s: s.events + 64 * (s.users + s.items),
        memory=lambda s: 512 * (s.users + 3 * s.items) + 80 * s.events,
        says="events + sides · D, a step, and items² · D up to 15,800 items",
    ),
    "SVDpp": Cost(
        time=lambda s: s.events,
        memory=lambda s: 160 * (s.users + 2 * s.items) + 52 * s.events,
        says="events · D, an epoch",
    ),
    "FactorizationMachine": Cost(
        time=lambda s: s.events + s.users + s.items,
        memory=lambda s: 4 * 17 * (s.users + s.items) + 60 * s.events,
        says="events · blocks · D, a sweep",
    ),
    "SLIM": Cost(
        time=lambda s: s.squares + s.items**2,
        memory=lambda s: 4 * s.items**2,
        says="Σ events of a user², items for each weight that moves",
    ),
}
COSTS: Mapping[str, Cost] = {name: cost for name, cost in _COSTS.items() if name in MODELS}
"""The models that are measured: those of counts, neighbours and factors, by the cost of one fit."""
