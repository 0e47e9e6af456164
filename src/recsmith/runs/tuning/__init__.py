"""Tuning: a search for better settings on a validation part of train, kept in a folder, as functions."""

from recsmith.runs.tuning.tune import tune

__all__ = ["tune"]
