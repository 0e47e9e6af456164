"""Weights of a blend, learned as a conditional logit: what was kept back against other items. McFadden,
Conditional logit analysis of qualitative choice behavior, 1974."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize

from recsmith.config import Run
from recsmith.data import Dataset, leave_last_out, random_holdout
from recsmith.errors import InvalidValue
from recsmith.kernels.threads import one_blas_thread
from recsmith.models.base import Recommender
from recsmith.models.memory import Memory
from recsmith.models.pipeline.comparable import Scale, comparable
from recsmith.models.scoring import block_rows
from recsmith.rng import generator

MOST_EVENTS = 4_000
"""Events kept back that weights are learned from, drawn at random where there are more."""
MOST_ITEMS = 1_000
"""Items that each of them is held against, drawn at random."""
_PENALTY = 1e-3  # on |w|²: weights stay finite where members foretell everything


def learned_weights(
    members: Sequence[Recommender], data: Dataset, run: Run, *, scale: Scale, kept_back: str | float
) -> np.ndarray:
    """Fits the members on what is left and returns their weights, float64 [M], 0 or more, 1 together.

    Maximises Σ log softmax(Σ_m w_m s_m) of the events kept back, each among up to 1,000 items that its person
    did not take; convex. Likelihood is not order: where equal weights or one member alone have the higher
    NDCG@10 on those events, they are taken. Memory is 4 bytes × events × items × members, 16 MB a member.
    """
    split = (
        leave_last_out(data)
        if isinstance(kept_back, str)
        else random_holdout(data, fraction=kept_back, seed=run.seed)
    )
    warm_n = np.flatnonzero(np.diff(split.train.interactions.indptr(data.n_users))[split.test.user])
    if not len(warm_n):
        cure = "Give the weights, or keep back another share."
        raise InvalidValue("data", "such that events can be kept back to learn weights", data, cure)
    memory = Memory.of(split.train)
    for member in members:
        member._memory = memory
        member._fit(split.train, replace(run, checkpoints=None, history=[], judge_epoch=None))
    drawn = generator(run.seed, "blend")
    event_n = np.sort(drawn.permutation(warm_n)[:MOST_EVENTS])
    user_n, item_n = split.test.user[event_n], split.test.item[event_n]
    candidate_nC = np.concatenate(
        [item_n[:, None], drawn.integers(0, data.n_items, (len(item_n), MOST_ITEMS), np.int32)], axis=1
    )
    with one_blas_thread():  # the sums run in one order, whatever the run's threads
        score_nCM = _scores(members, split.train, user_n, candidate_nC, scale=scale)
        allowed_nC = _allowed(data, user_n, candidate_nC)
        weight_M = _best(score_nCM, allowed_nC, _most_likely(score_nCM, allowed_nC))
    return np.round(weight_M / weight_M.sum(), 4)


def _scores(
    members: Sequence[Recommender], train: Dataset, user_n: np.ndarray, code_nC: np.ndarray, *, scale: Scale
) -> np.ndarray:
    """Returns the comparable scores of candidates by each member, float32 [n, C, M]."""
    people, row_n = np.unique(user_n, return_inverse=True)
    score_nCM = np.empty((*code_nC.shape, len(members)), np.float32)
    size = block_rows(train.n_items)
    for start in range(0, len(people), size):
        histories = train.histories(people[start : start + size])
        mine = np.flatnonzero((row_n >= start) & (row_n < start + size))
        for place, member in enumerate(members):
            scored = comparable(np.asarray(member._score(histories)), histories, scale=scale)
            score_nCM[mine, :, place] = scored.score_BI[(row_n[mine] - start)[:, None], code_nC[mine]]
    return score_nCM


def _allowed(data: Dataset, user_n: np.ndarray, code_nC: np.ndarray) -> np.ndarray:
    """Returns which candidates count, bool [n, C]: the first, and items that the person never took."""
    allowed_nC = np.ones(code_nC.shape, bool)
    taken_UI = data.binary()
    for place, user in enumerate(user_n):
        mine = taken_UI.indices[taken_UI.indptr[user] : taken_UI.indptr[user + 1]]
        allowed_nC[place, 1:] = ~np.isin(code_nC[place, 1:], mine)
    return allowed_nC


def _most_likely(score_nCM: np.ndarray, allowed_nC: np.ndarray) -> np.ndarray:
    """Returns w ≥ 0 that makes the first candidates most likely; equal weights where none tells anything."""
    n_members = score_nCM.shape[2]

    def loss(weight_M: np.ndarray) -> tuple[float, np.ndarray]:
        total_nC = score_nCM @ weight_M
        total_nC[~allowed_nC] = -np.inf
        top_n1 = total_nC.max(axis=1, keepdims=True)
        share_nC = np.exp(total_nC - top_n1)
        sum_n1 = share_nC.sum(axis=1, keepdims=True)
        share_nC /= sum_n1
        unlikely = float((np.log(sum_n1) + top_n1)[:, 0].mean() - total_nC[:, 0].mean())
        expected_M = np.einsum("nc,ncm->m", share_nC, score_nCM) / len(score_nCM)
        slope_M = expected_M - score_nCM[:, 0].mean(axis=0, dtype=np.float64)
        return unlikely + _PENALTY * float(weight_M @ weight_M), slope_M + 2 * _PENALTY * weight_M

    found = minimize(loss, np.ones(n_members), jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_members)
    weight_M = np.asarray(found.x, np.float64)
    return weight_M if weight_M.sum() > 0 else np.ones(n_members)


def _best(score_nCM: np.ndarray, allowed_nC: np.ndarray, likely_M: np.ndarray) -> np.ndarray:
    """Returns the most likely weights, equal ones or one member's, whichever has the highest NDCG@10."""
    n_members = len(likely_M)
    tried = [likely_M, np.ones(n_members), *np.eye(n_members)]
    return tried[int(np.argmax([_ndcg(score_nCM @ weight_M, allowed_nC) for weight_M in tried]))]


def _ndcg(score_nC: np.ndarray, allowed_nC: np.ndarray) -> float:
    """Returns the mean NDCG@10 of the first candidates among the others that count; ties go against them."""
    before_n = ((score_nC[:, 1:] >= score_nC[:, :1]) & allowed_nC[:, 1:]).sum(axis=1)
    return float(np.where(before_n < 10, 1 / np.log2(before_n + 2), 0).mean())
