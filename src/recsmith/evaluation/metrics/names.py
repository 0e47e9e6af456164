"""From a printed name such as `NDCG@10` to the metric; the one list of the metrics that are shipped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from recsmith.errors import InvalidValue
from recsmith.evaluation.metrics.average_precision import MAP
from recsmith.evaluation.metrics.base import CatalogueMetric, Metric, RankingMetric
from recsmith.evaluation.metrics.catalogue import Coverage, Gini
from recsmith.evaluation.metrics.classification import AUC, LogLoss
from recsmith.evaluation.metrics.correlation import Kendall, Pearson, Spearman
from recsmith.evaluation.metrics.diversity import Diversity
from recsmith.evaluation.metrics.hit_rate import HitRate
from recsmith.evaluation.metrics.mrr import MRR
from recsmith.evaluation.metrics.ndcg import NDCG
from recsmith.evaluation.metrics.novelty import LongTail, Novelty
from recsmith.evaluation.metrics.precision import F1, Precision
from recsmith.evaluation.metrics.rating import MAE, RMSE
from recsmith.evaluation.metrics.recall import Recall, RecallCapped

METRICS: Final[tuple[type[Metric], ...]] = (
    NDCG, HitRate, Recall, RecallCapped, Precision, F1, MRR, MAP,
    Coverage, Gini, Novelty, LongTail, Diversity,
    RMSE, MAE, Pearson, Spearman, Kendall, AUC, LogLoss,
)  # fmt: skip
"""Every shipped metric; a metric from outside is passed to `evaluate` as an object."""

_OTHER_NAMES: Final = {
    "HR": "HitRate", "HIT": "HitRate", "HITS": "HitRate", "R": "Recall", "P": "Precision",
    "PREC": "Precision", "AP": "MAP", "RR": "MRR", "RECIPROCALRANK": "MRR", "ILD": "Diversity",
    "ROCAUC": "AUC", "BCE": "LogLoss", "TAU": "Kendall", "RHO": "Spearman", "MSE": "RMSE", "F1SCORE": "F1",
    "CATALOGCOVERAGE": "Coverage",
}  # fmt: skip


def parse_metric(name: str | Metric) -> Metric:
    """Gives the metric of a name such as `NDCG@10` or `RMSE`; a metric object is handed back as it is.

    An unknown name, a missing cut-off or one that is not wanted raises InvalidValue with the nearest name
    and the list.
    """
    if isinstance(name, Metric):
        return name
    if not isinstance(name, str):
        raise InvalidValue("metric", "a name such as 'NDCG@10' or a Metric object", name, _listing())
    parts = re.fullmatch(r"([^@]*)(?:@(.*))?", name.strip())
    stem, cut = (parts.group(1), parts.group(2)) if parts else (name, None)
    metric_class = next((one for one in METRICS if one.__name__ == stem), None)
    if metric_class is None:
        raise InvalidValue("metric", "a known metric", name, f"{_suggestion(stem, cut)}{_listing()}")
    if not issubclass(metric_class, RankingMetric | CatalogueMetric):
        if cut is not None:
            raise InvalidValue("metric", "written without a cut-off", name, f"Did you mean {stem}?")
        return metric_class()
    if cut is None or not cut.isascii() or not cut.isdigit() or int(cut) < 1:
        raise InvalidValue("metric", "written with a cut-off of 1 or more", name, f"Did you mean {stem}@10?")
    return metric_class(int(cut))


def parse_metrics(names: Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Gives the metrics of several names in their order, each once."""
    if isinstance(names, str):
        raise InvalidValue("metrics", "a list of names", names, f"Write [{names!r}].")
    found = {metric.name: metric for metric in map(parse_metric, names)}
    if not found:
        raise InvalidValue("metrics", "one name or more", [], _listing())
    return tuple(found.values())


def metric_names() -> list[str]:
    """Lists what may be asked for, with `@k` where a cut-off belongs."""
    cut = RankingMetric | CatalogueMetric
    return [f"{m.__name__}@k" if issubclass(m, cut) else m.__name__ for m in METRICS]


def _suggestion(stem: str, cut: str | None) -> str:
    folded = {m.__name__.upper(): m.__name__ for m in METRICS} | _OTHER_NAMES
    near = difflib.get_close_matches(re.sub(r"[^A-Z0-9]", "", stem.upper()), list(folded), n=1, cutoff=0.5)
    if not near:
        return ""
    best = folded[near[0]]
    takes_cut = f"{best}@k" in metric_names()
    return f"Did you mean {best}{f'@{cut or 10}' if takes_cut else ''}? "


def _listing() -> str:
    return f"Known metrics: {', '.join(metric_names())}."
