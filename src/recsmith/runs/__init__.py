"""Runs: what the commands do, as functions: train a recipe, open its folder, compare, recommend."""

from recsmith.runs.folder import RunFolder, compare_runs, open_run
from recsmith.runs.training_run import Interrupted, NotJudged, resume, train

__all__ = ["Interrupted", "NotJudged", "RunFolder", "compare_runs", "open_run", "resume", "train"]
