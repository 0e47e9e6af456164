"""Parity of the second file: candidates for recorded histories, and the scores that the source gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsmith.data import Histories, Vocabulary
from recsmith.export.manifest import ParityFigures, Quantize
from recsmith.export.parity import CLOSE, OVERLAP, K, newest_events
from recsmith.models.base import Recommender
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray, Id

N_HISTORIES = 100
"""The first so many recorded histories have candidates."""


@dataclass(frozen=True, eq=False)
class RankCases:
    """Holds candidates, in the outside world's ids, and their scores, row by row."""

    item_ids: list[list[Id]]
    scores: list[list[float]]

    def codes(self, items: Vocabulary, n_candidates: int) -> CodeArray:
        """Returns int32 [B, N], -1 behind the last."""
        code_BN = np.full((len(self.item_ids), n_candidates), -1, np.int32)
        for row, ids in enumerate(self.item_ids):
            code_BN[row, : len(ids)] = items.encode(ids)
        return code_BN

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {"item_ids": self.item_ids, "scores": self.scores}

    @classmethod
    def of_dict(cls, described: Mapping[str, Any]) -> RankCases:
        """Reads what `to_dict` gave."""
        return cls(described["item_ids"], described["scores"])


def record(model: Recommender, histories: Histories, *, history_length: int, n_candidates: int) -> RankCases:
    """Returns candidates drawn at random for the first histories, with the ranking model's scores."""
    items = model.memory.items
    n = min(len(histories), N_HISTORIES)
    some = newest_events(histories.block(0, n), history_length)
    drawn = generator(0, "rank parity")
    wide = min(n_candidates, len(items))
    code_BN = np.stack([drawn.permutation(len(items))[:wide] for _ in range(n)]).astype(np.int32)
    score_BN = np.asarray(model._score_some(some, code_BN), np.float32)
    ids = items.decode(code_BN.ravel())
    rows = [ids[row * wide : (row + 1) * wide] for row in range(n)]
    return RankCases(rows, [[float(x) for x in row] for row in score_BN])


def compare(cases: RankCases, got_BN: FloatArray, *, quantize: Quantize | None = None) -> ParityFigures:
    """Returns how a file's scores stand against the recorded ones, and the lists that they would make."""
    equal, kept, listed, farthest, near = 0, 0, 0, 0.0, True
    for row, want in enumerate(cases.scores):
        want_N, got_N = np.array(want, np.float32), got_BN[row, : len(want)]
        apart_N = np.abs(got_N - want_N)
        near = near and bool((apart_N <= CLOSE * np.maximum(1.0, np.abs(want_N) / 100)).all())
        farthest = max(farthest, float(apart_N.max(initial=0.0)))
        first, found = (set(np.argsort(-s, kind="stable")[:K].tolist()) for s in (want_N, got_N))
        listed, kept = listed + len(first), kept + len(first & found)
        equal += first == found
    n, overlap = len(cases.scores), kept / listed if listed else 1.0
    return ParityFigures(
        n_histories=n,
        k=K,
        order_equal=equal,
        near_ties=0,
        max_score_difference=farthest,
        overlap=overlap,
        passed=near if quantize is None else overlap >= OVERLAP,
    )
