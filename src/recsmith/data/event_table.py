"""What a log itself says of each event: its weight, its time, and the time since the event before."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsmith.data.feature_space import time_parts
from recsmith.data.histories import Histories

_HOUR = 3_600_000


def event_table(histories: Histories) -> pl.DataFrame:
    """Returns the columns rating, instant, hour_of_day, day_of_week and gap of each event.

    Those of time are empty where there are no times. `gap` is log(1 + hours since the event before), empty
    for a person's first.
    """
    n = len(histories.item)
    if histories.time is None:
        empty = pl.Series([None] * n, dtype=pl.Float64)
        times = pl.DataFrame({"instant": empty, "hour_of_day": empty, "day_of_week": empty, "gap": empty})
    else:
        hours = np.diff(histories.time, prepend=histories.time[:1]) / _HOUR
        gap = np.log1p(np.maximum(hours, 0))
        gap[histories.indptr[:-1][histories.lengths > 0]] = np.nan
        times = time_parts(histories.time).with_columns(gap=pl.Series(gap))
    return times.with_columns(rating=pl.Series(histories.weight.astype(np.float64)))
