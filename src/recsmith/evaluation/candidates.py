"""Sampled candidates: each user's relevant items are ranked among a few others instead of the catalogue.

For repeating published protocols only. Krichene & Rendle, On Sampled Metrics for Item Recommendation, KDD
2020, show that such figures need not even order models as full ranking does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsmith.data import Split
from recsmith.errors import InvalidValue
from recsmith.rng import generator

WARNING = (
    "Sampled candidates: relevant items were ranked among a few sampled items, not the catalogue. "
    "Such figures are not comparable with full ranking and need not order models as it does "
    "(Krichene & Rendle 2020)."
)


@dataclass(frozen=True, eq=False)
class Negatives:
    """The items to rank each test user's relevant items among.

    A row a test user, in `split.test_users()` order.

    Row b is `item[indptr[b]:indptr[b + 1]]`, item codes. Repeats, and a negative that is itself relevant,
    count once. `rule` says where they are from.
    """

    indptr: np.ndarray
    item: np.ndarray
    rule: str

    @classmethod
    def of(cls, item_UN: np.ndarray, *, rule: str) -> Negatives:
        """Gives as many item codes for each test user, [U, N], in `split.test_users()` order."""
        indptr = np.arange(len(item_UN) + 1, dtype=np.int64) * item_UN.shape[1]
        return cls(indptr, np.ascontiguousarray(item_UN, np.int32).ravel(), rule)

    def __len__(self) -> int:
        return len(self.indptr) - 1


def sample_negatives(split: Split, *, n_negatives: int = 99, seed: int = 0) -> Negatives:
    """Draws negatives for each test user, uniformly from the items neither seen nor in the test.

    Without repeats; a user with fewer such items gets them all.
    """
    if isinstance(n_negatives, bool) or n_negatives < 1:
        raise InvalidValue("n_negatives", "1 or more", n_negatives)
    rng = generator(seed, "negatives")
    visible, held = split.visible(), split.relevant()
    n_items = split.train.n_items
    taken_I = np.zeros(n_items, np.bool_)
    drawn: list[np.ndarray] = []
    for row in range(len(visible)):
        mine = np.concatenate(
            [
                visible.item[visible.indptr[row] : visible.indptr[row + 1]],
                held.indices[held.indptr[row] : held.indptr[row + 1]],
            ]
        )
        taken_I[mine] = True
        drawn.append(_draw(rng, taken_I, n_negatives, n_free=n_items - len(np.unique(mine))))
        taken_I[mine] = False
    indptr = np.concatenate([[0], np.cumsum([len(items) for items in drawn])]).astype(np.int64)
    rule = f"{n_negatives} negatives a user, uniform over items neither seen nor in the test (seed {seed})"
    return Negatives(indptr, np.concatenate([np.zeros(0, np.int32), *drawn]), rule)


def _draw(rng: np.random.Generator, taken_I: np.ndarray, n: int, *, n_free: int) -> np.ndarray:
    """Draws n free codes; by trial where most are free, else from a list of them."""
    if n_free <= 4 * n:
        free = np.flatnonzero(~taken_I)
        return rng.permutation(free)[:n].astype(np.int32)
    found = np.zeros(0, np.int64)
    while len(found) < n:
        trial = rng.integers(0, len(taken_I), 2 * n)
        pool = np.concatenate([found, trial[~taken_I[trial]]])
        found = pool[np.sort(np.unique(pool, return_index=True)[1])]
    return found[:n].astype(np.int32)


def candidate_rows(
    negatives: Negatives, indptr: np.ndarray, indices: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the candidates of users start to stop, [B, N] padded with −1, and which are relevant.

    `indptr` and `indices` are the relevant items of all users. Each code stands once in a row, in rising
    order.
    """
    n_rows, span = stop - start, int(max(negatives.item.max(initial=0), indices.max(initial=0))) + 1
    # One number for a pair of row and item, so that one sort does all rows.
    asked = _keys(indptr, indices, start, stop, span)
    keys = np.unique(np.concatenate([asked, _keys(negatives.indptr, negatives.item, start, stop, span)]))
    row, code = np.divmod(keys, span)
    place = np.arange(len(keys)) - np.searchsorted(row, np.arange(n_rows))[row]
    width = int(place.max(initial=-1)) + 1
    code_BN = np.full((n_rows, width), -1, np.int32)
    relevant_BN = np.zeros((n_rows, width), np.bool_)
    code_BN[row, place] = code
    relevant_BN[row, place] = np.isin(keys, asked, kind="sort")
    return code_BN, relevant_BN


def _keys(indptr: np.ndarray, item: np.ndarray, start: int, stop: int, span: int) -> np.ndarray:
    """Gives row · span + item for the items of rows start to stop."""
    row = np.repeat(np.arange(stop - start, dtype=np.int64), np.diff(indptr[start : stop + 1]))
    return row * span + item[indptr[start] : indptr[stop]]


def rank(code_BN: np.ndarray, score_BN: np.ndarray, relevant_BN: np.ndarray, k: int) -> np.ndarray:
    """Gives the k best candidates of each row, int32 [B, min(k, N)], −1 after the end.

    Equal scores: what is not relevant comes first, then the lower code, so a model that cannot tell the
    candidates apart gains nothing. −inf and NaN are not listed.
    """
    able_BN = (code_BN >= 0) & (score_BN > -np.inf)
    key_BN = np.where(able_BN, -score_BN, np.inf)
    order_BN = np.lexsort((code_BN, relevant_BN, ~able_BN, key_BN), axis=1)[:, :k]
    listed_BK = np.take_along_axis(code_BN, order_BN, axis=1)
    able_BK = np.take_along_axis(able_BN, order_BN, axis=1)
    return np.where(able_BK, listed_BK, -1).astype(np.int32)
