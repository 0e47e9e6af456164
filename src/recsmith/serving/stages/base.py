"""What a stage is: a function of the world and of the work on some requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from recsmith.config import Config
from recsmith.data import Histories
from recsmith.serving.world import World

Method = Literal["none", "mmr", "dpp"]


class StageSettings(Config):
    """Says how lists are made; a request may ask otherwise where it has a field of the same name."""

    n_candidates: int = Field(200, ge=1)
    """Items that the retrieving stage hands on, at least; more where more are asked for."""
    similar_share: float = Field(0.0, ge=0, le=1)
    """The share of places given to items like the most recent ones."""
    new_share: float = Field(0.1, ge=0, le=1)
    """The share of places given to items that the model never saw, by what is written of them."""
    n_recent: int = Field(5, ge=1)
    """So many newest items count as recent."""
    method: Method = "mmr"
    """How diversity is sought: maximal marginal relevance or a determinantal point process."""
    diversity: float = Field(0.0, ge=0, le=1)
    """0 keeps the order of the scores, 1 looks at unlikeness alone."""
    freshness: float = Field(0.0, ge=0, le=1)
    """How much newly added items rise."""
    freshness_days: float = Field(30.0, gt=0)
    """After so many days an item has lost half of its freshness."""
    calibration: float = Field(0.0, ge=0, le=1)
    """How near the list's categories come to those of the person's history."""
    per_category: int | None = Field(None, ge=1)
    """At most so many of one category."""
    request_time: Literal["last_event", "now"] = "last_event"
    """When a request that names no time takes place, for models that read it: at the person's last event, as
    in evaluation, or when it comes in."""
    explore: float = Field(0.0, ge=0, le=10)
    """Above 0 lists are drawn instead of cut off: exp(relevance / explore) of the best is each one's weight.
    The chance of what came first is kept with the list, so that other policies can be judged by the log."""


@dataclass(frozen=True, eq=False)
class Request:
    """Is what somebody asked: a person's events and what the list must be like."""

    seen: np.ndarray
    """int32: the indices of the person's items in the catalogue, oldest first."""
    histories: Histories
    """The same for the model, one row; without the items that it does not know."""
    k: int = 10
    user_id: str | None = None
    exclude_seen: bool = True
    categories: tuple[str, ...] = ()
    """Only these; empty for all."""
    blocked: tuple[str, ...] = ()
    """Ids of items that must not come."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """The caller's expression; see `filters.matches`."""
    settings: StageSettings = field(default_factory=StageSettings)
    explain: bool = False
    now: int = 0


@dataclass(eq=False)
class Work:
    """Is what the stages do to one request: candidates with score and source, then the list.

    `place` int32[n] are indices of the catalogue, best first; `score` float32[n]; `source` says what
    brought each.
    """

    request: Request
    place: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    score: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    source: np.ndarray = field(default_factory=lambda: np.zeros(0, "U8"))
    allowed: np.ndarray | None = None
    """bool[n catalogue]: what may come back; made once, looked at by all."""
    chance: float | None = None
    """The chance that the first of the list had of being first, when lists are drawn."""
    first_rank: int = 1
    """Where it would have stood otherwise."""
    fallback: str = ""
    """Why the answer is not the model's own, if it is not."""
    because: list[list[dict[str, Any]]] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, chosen: np.ndarray) -> None:
        """Keeps some candidates, in the order given."""
        self.place, self.score, self.source = self.place[chosen], self.score[chosen], self.source[chosen]


Stage: TypeAlias = Callable[[World, Sequence[Work]], None]
