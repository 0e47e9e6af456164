"""Popular: the most taken items, of all time, of a window, or with older events counting less."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from recsmith.config import Config, Run
from recsmith.config.space import Choices, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.models.base import Recommender
from recsmith.types import FloatArray

_MS_PER_DAY = 86_400_000


class PopularConfig(Config):
    """Settings of `Popular`."""

    search_space: ClassVar[SearchSpace] = {
        "half_life_days": Choices((None, 30.0, 90.0, 365.0, 1000.0)),
        "count": Choices(("events", "weights")),
    }

    count: Literal["events", "weights"] = "events"
    """Whether an event counts as one or as its weight."""
    window_days: float | None = Field(default=None, gt=0)
    """Counts only events of so many days up to the last event; all when not given."""
    half_life_days: float | None = Field(default=None, gt=0)
    """An event so many days before the last one counts half, twice as many days a quarter; all alike when not
    given."""


class Popular(Recommender):
    """Recommends the same items to everybody, less what each has taken.

    Items without a count are not recommended. Serves people without history. Fit costs O(events) time and 8
    bytes each, a user O(I).
    """

    Config = PopularConfig
    config: PopularConfig
    state_names = ("count_I",)
    needs_history = False
    count_I: FloatArray

    def _fit(self, data: Dataset, run: Run) -> None:
        events = data.interactions
        # Double, so that a hundred million small parts add up.
        worth_n = np.ones(len(events)) if self.config.count == "events" else events.weight.astype(np.float64)
        window, half_life = self.config.window_days, self.config.half_life_days
        if window is not None or half_life is not None:
            if events.time is None:
                setting = "half_life_days" if window is None else "window_days"
                raise InvalidValue(
                    f"Popular.{setting}", "left out for a log without times", window or half_life
                )
            age_n = (events.time.max() - events.time) / _MS_PER_DAY
            if half_life is not None:
                worth_n *= 0.5 ** (age_n / half_life)
            if window is not None:
                worth_n[age_n > window] = 0.0
        self.count_I = np.bincount(events.item, worth_n, minlength=data.n_items).astype(np.float32)

    def _score(self, histories: Histories) -> FloatArray:
        score_I = np.where(self.count_I > 0, self.count_I, np.float32(-np.inf))
        return np.tile(score_I, (len(histories), 1))
