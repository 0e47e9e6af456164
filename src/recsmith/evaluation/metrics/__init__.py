"""The metrics: what each figure means, one idea a file."""

from recsmith.evaluation.metrics.average_precision import MAP
from recsmith.evaluation.metrics.base import (
    Catalogue,
    CatalogueMetric,
    LabelMetric,
    Metric,
    RankedLists,
    RankingMetric,
    RatingMetric,
    Ratings,
    UserMetric,
)
from recsmith.evaluation.metrics.catalogue import Coverage, Gini
from recsmith.evaluation.metrics.classification import AUC, LogLoss
from recsmith.evaluation.metrics.correlation import Kendall, Pearson, Spearman
from recsmith.evaluation.metrics.diversity import Diversity
from recsmith.evaluation.metrics.hit_rate import HitRate
from recsmith.evaluation.metrics.mrr import MRR
from recsmith.evaluation.metrics.names import METRICS, metric_names, parse_metric, parse_metrics
from recsmith.evaluation.metrics.ndcg import NDCG
from recsmith.evaluation.metrics.novelty import LongTail, Novelty
from recsmith.evaluation.metrics.precision import F1, Precision
from recsmith.evaluation.metrics.rating import MAE, RMSE
from recsmith.evaluation.metrics.recall import Recall, RecallCapped

__all__ = [
    "Catalogue", "CatalogueMetric", "LabelMetric", "Metric", "RankedLists", "RankingMetric", "RatingMetric",
    "Ratings", "UserMetric",
    "METRICS", "metric_names", "parse_metric", "parse_metrics",
    "NDCG", "HitRate", "Recall", "RecallCapped", "Precision", "F1", "MRR", "MAP",
    "Coverage", "Gini", "Novelty", "LongTail", "Diversity",
    "RMSE", "MAE", "Pearson", "Spearman", "Kendall", "AUC", "LogLoss",
]  # fmt: skip
