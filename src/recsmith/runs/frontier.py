"""Frontier: what diversity and calibration cost in accuracy, on a run's own test, before people see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsmith import progress as bars
from recsmith.data import Histories, Split
from recsmith.evaluation.metrics import NDCG, Coverage, Diversity, LongTail
from recsmith.evaluation.ranking import catalogue_of, judge
from recsmith.evaluation.task import task_of
from recsmith.models import Recommender
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.stages import Request, StageSettings, Work, answer, make_stages
from recsmith.serving.world import World

STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7)
_AT_ONCE = 256
_DRAWS = 1000


@dataclass(frozen=True)
class Point:
    """Is one setting of the re-ranking and what its lists are worth.

    `ndcg_change` is the mean difference from lists as the model orders them, `low` and `high` its 95 %
    bootstrap interval over people.
    """

    method: str
    strength: float
    ndcg: float
    ndcg_change: float
    low: float
    high: float
    diversity: float
    coverage: float
    long_tail: float


def frontier(
    model: Recommender,
    split: Split,
    *,
    k: int = 10,
    strengths: Sequence[float] = STRENGTHS,
    relevant_from: float | None = None,
    progress: bool = False,
) -> list[Point]:
    """Judges the service's lists for MMR, DPP and calibration at each strength, on the split's test.

    Candidates are retrieved once a person; only the re-ranking differs between the points.
    """
    world = World(model, Catalogue.of(model.memory))
    task = task_of(split, relevant_from=relevant_from, exclude_seen=True)
    metrics = [NDCG(k), Diversity(k), LongTail(k), Coverage(k)]
    known, _ = catalogue_of(split.train, metrics, None)
    asked = [("as it is", 0.0, StageSettings(new_share=0))]
    for strength in strengths:
        for method in ("mmr", "dpp"):
            asked.append((method, strength, StageSettings(new_share=0, method=method, diversity=strength)))
        asked.append(("calibration", strength, StageSettings(new_share=0, calibration=strength)))
    lists = [np.full((len(task), k), -1, np.int32) for _ in asked]
    *before, rerank, _ = make_stages()
    with bars.bar("frontier", total=len(task), shown=progress) as bar:
        for start in range(0, len(task), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(task)))
            works = answer(world, [_request(task.visible.block(row, row + 1), k) for row in rows], before)
            for (*_, settings), list_UK in zip(asked, lists, strict=True):
                tried = [_as_asked(work, settings) for work in works]
                rerank(world, tried)
                for row, work in zip(rows, tried, strict=True):
                    list_UK[row, : len(work.place)] = work.place
            bar.step(len(rows))
    points: list[Point] = []
    plain = np.zeros(0)
    for (method, strength, _), list_UK in zip(asked, lists, strict=True):
        values, counts, _ = judge(iter([(0, list_UK)]), task, metrics, known)
        value_U, diversity_U, tail_U = values.values()
        plain = value_U if not points else plain
        change = (value_U - plain)[~np.isnan(value_U)]
        drawn = np.random.default_rng(0).integers(0, len(change), (_DRAWS, len(change)))
        low, high = np.quantile(change[drawn].mean(axis=1), (0.025, 0.975))
        (shown,) = counts.values()
        points.append(
            Point(
                method,
                strength,
                float(np.nanmean(value_U)),
                float(change.mean()),
                float(low),
                float(high),
                float(np.nanmean(diversity_U)),
                float((shown > 0).mean()),
                float(np.nanmean(tail_U)),
            )
        )
    return points


def _request(row: Histories, k: int) -> Request:
    return Request(row.item, row, k=k, settings=StageSettings(new_share=0))


def _as_asked(work: Work, settings: StageSettings) -> Work:
    return replace(work, request=replace(work.request, settings=settings), trace=[])
