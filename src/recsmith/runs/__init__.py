"""Runs: what the commands do, as functions: train a recipe, open its folder, compare, recommend."""

from recsmith.runs.folder import RunFolder, compare_runs, open_run
from recsmith.runs.training_run import Interrupted, NotJudged, NotTrained, resume, train

__all__ = [
    "Interrupted",
    "NotJudged",
    "NotTrained",
    "RunFolder",
    "compare_runs",
    "open_run",
    "resume",
    "train",
]
