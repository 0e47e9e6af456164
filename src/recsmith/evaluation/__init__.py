"""Evaluation: metrics, figures with intervals, paired tests, checks for leaks."""

from recsmith.evaluation.candidates import Negatives, sample_negatives
from recsmith.evaluation.compare import Comparison, Difference, compare
from recsmith.evaluation.evaluate import evaluate
from recsmith.evaluation.leaderboard import leaderboard, leaderboard_table
from recsmith.evaluation.leakage import Finding, check_model, check_split
from recsmith.evaluation.metrics import Metric, metric_names, parse_metric, parse_metrics
from recsmith.evaluation.result import Evaluation, Figure

__all__ = [
    "Comparison",
    "Difference",
    "Evaluation",
    "Figure",
    "Finding",
    "Metric",
    "Negatives",
    "check_model",
    "check_split",
    "compare",
    "evaluate",
    "leaderboard",
    "leaderboard_table",
    "metric_names",
    "parse_metric",
    "parse_metrics",
    "sample_negatives",
]
