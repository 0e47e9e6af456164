"""Runs: what the commands do, as functions: train a recipe, tune it, open its folder, compare, recommend."""

from recsmith.runs.folder import RunFolder, compare_runs, open_run
from recsmith.runs.training_run import Interrupted, NotJudged, NotTrained, resume, train
from recsmith.runs.tuning import tune

__all__ = [
    "Interrupted",
    "NotJudged",
    "NotTrained",
    "RunFolder",
    "compare_runs",
    "open_run",
    "resume",
    "train",
    "tune",
]
