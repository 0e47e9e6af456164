"""Lists of test users, in blocks, over the catalogue or over candidates, and what metrics make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from recsmith.config import Run
from recsmith.data import Dataset
from recsmith.errors import InvalidValue
from recsmith.evaluation.candidates import Negatives, candidate_rows, rank
from recsmith.evaluation.item_vectors import item_vectors_of
from recsmith.evaluation.metrics import (
    Catalogue,
    CatalogueMetric,
    Diversity,
    LongTail,
    Metric,
    Novelty,
    RankedLists,
    RankingMetric,
    UserMetric,
)
from recsmith.evaluation.task import Task
from recsmith.kernels.hits import in_row
from recsmith.models.base import Recommender
from recsmith.models.scoring import block_rows

Lists = Iterator[tuple[int, np.ndarray]]
"""Blocks of lists: the first row, and item codes [B, K] with −1 after the end of a short list."""

_CANDIDATE_ROWS: Final = 1024


def full_lists(model: Recommender, task: Task, k: int, exclude_seen: bool, run: Run) -> Lists:
    """Yields (first row, lists [B, K]) over the whole catalogue, seen items left out."""
    n_blocks = -(-len(task) // block_rows(task.relevant.shape[1]))
    blocks = model.top_k(task.visible, k=k, exclude_seen=exclude_seen, run=run)
    for block in run.track(blocks, "Evaluating", total=n_blocks):
        yield block.start, block.codes


def candidate_lists(model: Recommender, task: Task, negatives: Negatives, k: int, run: Run) -> Lists:
    """Yields (first row, lists [B, K]) over each user's own candidates."""
    starts = range(0, len(task), _CANDIDATE_ROWS)
    for start in run.track(starts, "Evaluating", total=len(starts)):
        stop = min(start + _CANDIDATE_ROWS, len(task))
        code_BN, relevant_BN = candidate_rows(
            negatives, task.relevant.indptr, task.relevant.indices, start, stop
        )
        score_BN = model.score_codes(task.visible.block(start, stop), code_BN, run=run)
        yield start, rank(code_BN, score_BN, relevant_BN, k)


def judge(
    lists: Lists, task: Task, metrics: Sequence[Metric], catalogue: Catalogue
) -> tuple[dict[UserMetric, np.ndarray], dict[CatalogueMetric, np.ndarray], int]:
    """Gives per-user values, list counts of items, and how many listed items were seen before."""
    per_user = [m for m in metrics if isinstance(m, RankingMetric)]
    per_item = [m for m in metrics if isinstance(m, CatalogueMetric)]
    values: dict[UserMetric, np.ndarray] = {m: np.full(len(task), np.nan) for m in per_user}
    counts = {m: np.zeros(catalogue.n_items, np.int64) for m in per_item}
    n_seen = 0
    for start, item_BK in lists:
        rows = slice(start, start + len(item_BK))
        block = RankedLists.of(item_BK, task.relevant[rows], catalogue)
        for metric in per_user:
            values[metric][rows] = metric.per_user(block)
        for counted in per_item:
            listed = item_BK[:, : counted.k]
            counts[counted] += np.bincount(listed[listed >= 0], minlength=catalogue.n_items)
        history = task.visible.block(rows.start, rows.stop)
        n_seen += _count_seen(item_BK, history.indptr, history.item, catalogue.n_items)
    return values, counts, n_seen


def _count_seen(item_BK: np.ndarray, indptr: np.ndarray, item: np.ndarray, n_items: int) -> int:
    """Counts the listed items that are in the same row's history."""
    listed_BK = item_BK >= 0
    list_indptr = np.concatenate([[0], np.cumsum(listed_BK.sum(axis=1))]).astype(np.int64)
    return int(in_row(list_indptr, item_BK[listed_BK], indptr, item, n_items).sum())


def catalogue_of(
    data: Dataset, metrics: Sequence[Metric], vectors: np.ndarray | sparse.csr_matrix | None
) -> tuple[Catalogue, list[str]]:
    """Gives what the metrics asked need to know of the items, and a note where there was a choice."""
    asked = tuple(type(metric) for metric in metrics)
    n_holders_I = np.zeros(data.n_items, np.int64)
    if any(issubclass(one, Novelty | LongTail) for one in asked):
        n_holders_I = np.bincount(data.binary().indices, minlength=data.n_items)
    n_users = int((np.bincount(data.interactions.user, minlength=data.n_users) > 0).sum())
    if not any(issubclass(one, Diversity) for one in asked) and vectors is None:
        return Catalogue(n_holders_I, n_users), []
    if vectors is None:
        made, source = item_vectors_of(data)
    else:
        made, source = sparse.csr_matrix(vectors), "the vectors given"
        if made.shape[0] != data.n_items:
            raise InvalidValue("item_vectors", f"{data.n_items} rows, one an item", made.shape[0])
    return Catalogue(n_holders_I, n_users, made, source), [f"Diversity compares items by {source}."]
