"""recsmith: from an interaction log to recommendations, with an honest leaderboard on the way."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsmith.config import Run
    from recsmith.data import (
        Dataset,
        Split,
        by_time,
        given,
        hold_out_users,
        k_fold,
        leave_last_out,
        random_holdout,
    )
    from recsmith.data.door import read_frame
    from recsmith.data.sources.events import read_events
    from recsmith.data.sources.movielens import load_movielens
    from recsmith.data.sources.sql import read_sql
    from recsmith.data.sources.tables import read_table
    from recsmith.evaluation.compare import compare
    from recsmith.evaluation.evaluate import evaluate
    from recsmith.models import load
    from recsmith.runs import train, tune

__version__ = "0.1.0"

_WHERE = {
    "Run": "config",
    "Dataset": "data",
    "Split": "data",
    "by_time": "data",
    "given": "data",
    "hold_out_users": "data",
    "k_fold": "data",
    "leave_last_out": "data",
    "random_holdout": "data",
    "load_movielens": "data.sources.movielens",
    "read_table": "data.sources.tables",
    "read_events": "data.sources.events",
    "read_frame": "data.door",
    "read_sql": "data.sources.sql",
    "evaluate": "evaluation",
    "compare": "evaluation",
    "load": "models",
    "train": "runs",
    "tune": "runs",
}

__all__ = [
    "Dataset",
    "Run",
    "Split",
    "by_time",
    "compare",
    "evaluate",
    "given",
    "hold_out_users",
    "k_fold",
    "leave_last_out",
    "load",
    "load_movielens",
    "random_holdout",
    "read_events",
    "read_frame",
    "read_sql",
    "read_table",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
