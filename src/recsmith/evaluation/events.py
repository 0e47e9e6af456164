"""Judging test events one by one: predicted ratings against true ones, and labels against scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from recsmith.config import Run
from recsmith.errors import InvalidValue, Shown
from recsmith.evaluation.bootstrap import interval
from recsmith.evaluation.metrics import LabelMetric, LogLoss, Metric, RatingMetric, Ratings, UserMetric
from recsmith.evaluation.result import Figure
from recsmith.evaluation.task import Task
from recsmith.models.base import Recommender
from recsmith.models.capabilities import PredictsInTime, PredictsRatings
from recsmith.models.scoring import in_blocks

TOLD_TIME: Final = "The model was told when each test rating was given; not all models read that."
_ROWS: Final = 1024


def rating_by_time(model: Recommender, metrics: Iterable[Metric]) -> bool:
    """Says whether predictions are asked of a model that reads the time of what it predicts."""
    predicts = any(isinstance(metric, RatingMetric | LabelMetric) for metric in metrics)
    return predicts and isinstance(model, PredictsInTime) and model.reads_time


def rating_values(
    model: Recommender, task: Task, metrics: Sequence[RatingMetric], *, relevant_from: float | None, run: Run
) -> dict[UserMetric, np.ndarray]:
    """Gives each rating metric's per-user values, [U]; blocks of users on threads."""
    if not metrics:
        return {}
    predicted = _predictions(predictor(model, metrics), task, run)
    actual = task.events.weight.astype(np.float64)
    liked = _labels(task, relevant_from).astype(np.float64)
    given = {
        True: Ratings(task.event_indptr, liked, predicted),
        False: Ratings(task.event_indptr, actual, predicted),
    }
    probabilities = bool(len(predicted) == 0 or (predicted.min() >= 0 and predicted.max() <= 1))
    for metric in metrics:
        if isinstance(metric, LogLoss) and not probabilities:
            got = Shown(f"predictions from {predicted.min():.3g} to {predicted.max():.3g}")
            raise InvalidValue("model", "one that predicts probabilities (0 to 1), for LogLoss", got)
    return {metric: metric.per_user(given[isinstance(metric, LogLoss)]) for metric in metrics}


def predictor(model: Recommender, metrics: Sequence[RatingMetric]) -> PredictsRatings:
    """Gives the model back; raises `InvalidValue` for one that cannot be asked rating metrics."""
    if isinstance(model, PredictsRatings):
        return model
    names = ", ".join(metric.name for metric in metrics)
    raise InvalidValue(
        "model", f"one that predicts ratings (PredictsRatings), for {names}", Shown(type(model).__name__),
        "Ask ranking metrics such as NDCG@10 of it.",
    )  # fmt: skip


def auc_figure(
    model: Recommender,
    task: Task,
    metric: LabelMetric,
    *,
    relevant_from: float | None,
    draws: Iterable[np.ndarray],
    run: Run,
) -> tuple[Figure, np.ndarray]:
    """Gives a label metric with its interval over `draws` of users, and its figure on each draw.

    Scores are predicted ratings where the model predicts.
    """
    label_N = _labels(task, relevant_from)
    if label_N.all() or not label_N.any():
        got = Shown(f"{int(label_N.sum()):,} liked of {len(label_N):,} test events")
        cure = "relevant_from= sets the weight from which an event is liked."
        raise InvalidValue(metric.name, "asked of a test with events liked and not liked", got, cure)
    if isinstance(model, PredictsRatings):
        score_N = _predictions(model, task, run)
    else:
        score_N = _scores(model, task, run)
    user_N = np.repeat(np.arange(len(task)), task.n_events)
    value = metric.values(label_N, score_N, user_N, np.ones((1, len(task))))[0]
    drawn = [metric.values(label_N, score_N, user_N, weight_SU) for weight_SU in draws]
    drawn_S = np.concatenate([np.zeros(0), *drawn])
    low, high = interval(drawn_S)
    return Figure(metric.name, float(value), low, high, len(task), metric.higher_is_better), drawn_S


def _labels(task: Task, relevant_from: float | None) -> np.ndarray:
    """Says of each test event whether it was liked."""
    return task.events.weight > 0 if relevant_from is None else task.events.weight >= relevant_from


def _predictions(model: PredictsRatings, task: Task, run: Run) -> np.ndarray:
    """Gives the predicted rating of each test event, float64[n]."""

    def one(start: int, stop: int) -> np.ndarray:
        low, high = task.event_indptr[start], task.event_indptr[stop]
        row_n = np.repeat(np.arange(stop - start), task.n_events[start:stop])
        time_n = None if task.events.time is None else task.events.time[low:high]
        visible = task.visible.block(start, stop)
        return model.predict_codes(visible, row_n, task.events.item[low:high], time_n=time_n)

    blocks = in_blocks(one, len(task), block=_ROWS, threads=run.threads)
    parts = list(run.track(blocks, "Predicting", total=-(-len(task) // _ROWS)))
    predicted = np.concatenate([np.zeros(0), *parts])
    if not np.isfinite(predicted).all():
        got = Shown(f"{int((~np.isfinite(predicted)).sum()):,} that are not")
        raise InvalidValue(
            "predicted ratings", "finite numbers", got, "The model's _predict promises a number always."
        )
    return predicted


def _scores(model: Recommender, task: Task, run: Run) -> np.ndarray:
    """Gives the model's score of each test event, float64[n]."""
    parts: list[np.ndarray] = [np.zeros(0)]
    for start in run.track(range(0, len(task), _ROWS), "Scoring", total=-(-len(task) // _ROWS)):
        stop = min(start + _ROWS, len(task))
        n_B = task.n_events[start:stop]
        there_BN = np.arange(int(n_B.max(initial=0)))[None, :] < n_B[:, None]
        code_BN = np.full(there_BN.shape, -1, np.int32)
        code_BN[there_BN] = task.events.item[task.event_indptr[start] : task.event_indptr[stop]]
        parts.append(model.score_codes(task.visible.block(start, stop), code_BN, run=run)[there_BN])
    return np.concatenate(parts)
