"""evaluate: the figures of a fitted model on a split, streamed in blocks of users, with bootstrap intervals.

Memory: at most two blocks a thread of 32 MiB of scores (see models/scoring.py), what the model needs for a
block, the split's own events, one number a user and metric, and 50 MB of bootstrap draws; never users ×
items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.config import Run
from recsmith.config.recipe import DEFAULT_METRICS
from recsmith.data import Split
from recsmith.errors import InvalidValue, Shown
from recsmith.evaluation.bootstrap import figure, interval, pooled, replicates, resamples
from recsmith.evaluation.candidates import WARNING, Negatives
from recsmith.evaluation.events import TOLD_TIME, auc_figure, rating_by_time, rating_values
from recsmith.evaluation.leakage import Finding, check_model, check_split
from recsmith.evaluation.metrics import (
    CatalogueMetric,
    LabelMetric,
    Metric,
    RankingMetric,
    RatingMetric,
    UserMetric,
    parse_metrics,
)
from recsmith.evaluation.ranking import candidate_lists, catalogue_of, full_lists, judge
from recsmith.evaluation.result import N_RATINGS, Evaluation, Figure
from recsmith.evaluation.task import Task, fingerprint, task_of
from recsmith.models.base import Recommender


def evaluate(
    model: Recommender,
    split: Split,
    *,
    metrics: Iterable[str | Metric] = DEFAULT_METRICS,
    candidates: Negatives | None = None,
    relevant_from: float | None = None,
    exclude_seen: bool = True,
    item_vectors: np.ndarray | sparse.csr_matrix | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    run: Run | None = None,
) -> Evaluation:
    """Judges a fitted model on a split's test events.

    Ranking is over all items the user has not seen in training, ties by item code, unless `candidates`
    gives each user a few items to rank among (repeats a published protocol; ties there never favour what
    is relevant). `relevant_from` is the weight from which a test event is relevant, or liked for AUC and
    LogLoss (None: above 0). `item_vectors` [I, F] are what Diversity compares (None: item features, or
    else who had the item). Intervals are 95 % percentiles over `n_bootstrap` resamples of users; 0 leaves
    them out. `run` gives threads and a progress bar.

    Raises InvalidValue for an unknown metric, a rating metric asked of a model without PredictsRatings, a
    model that was fitted in another vocabulary, or a split without test events.
    """
    asked = parse_metrics(metrics)
    if isinstance(n_bootstrap, bool) or n_bootstrap < 0:
        raise InvalidValue("n_bootstrap", "0 (no intervals) or more", n_bootstrap)
    _same_vocabulary(model, split)
    this_run = run or Run()
    task = task_of(split, relevant_from=relevant_from, exclude_seen=exclude_seen and candidates is None)
    if candidates is not None and len(candidates) != len(task):
        raise InvalidValue("candidates", f"{len(task)} rows, one for each test user", len(candidates))

    notes = [TOLD_TIME] if rating_by_time(model, asked) else []
    figures: dict[Metric, Figure] = {}
    replicates_S: dict[str, np.ndarray] = {}
    rating = [m for m in asked if isinstance(m, RatingMetric)]
    values = rating_values(model, task, rating, relevant_from=relevant_from, run=this_run)
    for metric in asked:
        if isinstance(metric, LabelMetric):
            draws = resamples(len(task), n_bootstrap, seed=seed)
            figures[metric], replicates_S[metric.name] = auc_figure(
                model, task, metric, relevant_from=relevant_from, draws=draws, run=this_run
            )
    findings = [*check_split(split), *check_model(model, split)]
    ranking = [m for m in asked if isinstance(m, RankingMetric | CatalogueMetric)]
    if ranking:
        catalogue, about = catalogue_of(split.train, ranking, item_vectors)
        depth = max(m.k for m in ranking)
        if candidates is None:
            lists = full_lists(model, task, depth, exclude_seen, this_run)
        else:
            notes.append(WARNING)
            lists = candidate_lists(model, task, candidates, depth, this_run)
        ranked, counts, n_seen = judge(lists, task, ranking, catalogue)
        notes += about
        values |= ranked
        figures |= {m: _without_interval(m, m.value(count_I), len(task)) for m, count_I in counts.items()}
        if n_seen and exclude_seen and candidates is None:
            message = f"{n_seen:,} listed items were in the history of the user they were listed for."
            findings.append(Finding("seen items recommended", "leak", n_seen, message))
    figures |= _with_intervals(values, task, n_bootstrap=n_bootstrap, seed=seed)
    return Evaluation(
        model=repr(model),
        figures=tuple(figures[metric] for metric in asked),
        users=_table(split, task, {m: values[m] for m in asked if isinstance(m, UserMetric)}),
        split_rule=split.rule,
        protocol=_protocol(candidates, exclude_seen),
        fingerprint=fingerprint(
            split, relevant_from=relevant_from, exclude_seen=exclude_seen, candidates=candidates
        ),
        left_out=task.left_out if ranking else {"no test event": task.left_out["no test event"]},
        notes=tuple(notes),
        findings=tuple(findings),
        n_bootstrap=n_bootstrap,
        seed=seed,
        replicates={name: tuple(map(float, drawn_S)) for name, drawn_S in replicates_S.items()},
    )


def _with_intervals(
    values: Mapping[UserMetric, np.ndarray], task: Task, *, n_bootstrap: int, seed: int
) -> dict[Metric, Figure]:
    parts = {metric: pooled(metric, value_U, task.n_events) for metric, value_U in values.items()}
    drawn = replicates(parts, n_bootstrap, seed=seed)
    figures: dict[Metric, Figure] = {}
    for metric, value_U in values.items():
        low, high = interval(drawn[metric])
        value = float(figure(metric, parts[metric].sum(axis=0)))
        n_users = int(np.isfinite(value_U).sum())
        figures[metric] = Figure(metric.name, value, low, high, n_users, metric.higher_is_better)
    return figures


def _without_interval(metric: Metric, value: float, n_users: int) -> Figure:
    return Figure(metric.name, value, None, None, n_users, metric.higher_is_better)


def _table(split: Split, task: Task, values: Mapping[UserMetric, np.ndarray]) -> pl.DataFrame:
    columns = {
        metric.name: pl.Series(metric.name, value_U).fill_nan(None) for metric, value_U in values.items()
    }
    ids = split.train.users.ids.gather(task.users.astype(np.int64))
    return pl.DataFrame({"user_id": ids, N_RATINGS: task.n_events, **columns})


def _protocol(candidates: Negatives | None, exclude_seen: bool) -> str:
    if candidates is not None:
        return f"Relevant items ranked among sampled candidates: {candidates.rule}."
    return "Full ranking over all items" + (" not seen in training." if exclude_seen else ", seen ones too.")


def _same_vocabulary(model: Recommender, split: Split) -> None:
    """Refuses a model of other codes; one that knows nobody, as a bundle, takes everybody for a stranger."""
    memory = model.memory
    for what, fitted, here in (
        ("users", memory.users, split.train.users),
        ("items", memory.items, split.train.items),
    ):
        if what == "users" and not len(fitted):
            continue
        if fitted is not here and fitted != here:
            got = Shown(f"{len(fitted):,} {what} in the model, {len(here):,} in the split")
            raise InvalidValue("model", f"fitted on this split's {what}", got, "Call .fit(split.train).")
