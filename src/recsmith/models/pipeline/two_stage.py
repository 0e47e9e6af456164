"""Pipeline: one model retrieves candidates, another ranks them, saved and judged as one recommender
(Covington et al., Deep neural networks for YouTube recommendations, RecSys 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from recsmith.config import Config, Run
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.index import VectorIndex, make_index
from recsmith.kernels.topk import exclude, top_k
from recsmith.models.base import Recommender, State
from recsmith.models.capabilities import Explains, HasVectors, Shortlists
from recsmith.models.pipeline.composite import Composite, part_of
from recsmith.types import CodeArray, FloatArray

_INDEX = "index."


class PipelineConfig(Config):
    """Settings of `Pipeline`: each stage is a table of a class and that class's settings."""

    retriever: Mapping[str, Any]
    """`class`, and its settings: chooses the candidates."""
    ranker: Mapping[str, Any]
    """`class`, and its settings: scores them."""
    n_candidates: int = Field(200, ge=1)
    """Items that are handed from one to the other, for each person."""
    index: Literal["none", "exact", "hnsw", "scann"] = "none"
    """How the retriever's vectors are searched; none scores every item instead."""


class Pipeline(Composite, Explains, Shortlists):
    """Scores the retriever's best `n_candidates` unseen items with the ranker; all others are left out.

    With an index the retriever must have vectors (HasVectors), and its own score beyond their product
    is not looked at. Reasons are the ranker's where it gives reasons, else the retriever's.
    """

    Config = PipelineConfig
    config: PipelineConfig

    def _fit(self, data: Dataset, run: Run) -> None:
        self._make()
        self._fit_parts(data, run)
        self._index = self._new_index({})

    @property
    def parts(self) -> Mapping[str, Recommender]:
        """The retriever and the ranker."""
        return {"retriever": self.retriever, "ranker": self.ranker}

    def _make(self) -> None:
        self.retriever = part_of("retriever", self.config.retriever, but=("Pipeline",))
        self.ranker = part_of("ranker", self.config.ranker, but=("Pipeline",))
        if self.config.index != "none" and not isinstance(self.retriever, HasVectors):
            cure = "Set index='none', or retrieve with TwoTower, IALS, PureSVD or another with vectors."
            raise InvalidValue(
                "retriever", "a model with vectors, for an index", type(self.retriever).__name__, cure
            )

    def _new_index(self, kept: Mapping[str, np.ndarray]) -> VectorIndex | None:
        if self.config.index == "none":
            return None
        assert isinstance(self.retriever, HasVectors)
        return make_index(self.config.index).restore(self.retriever._item_vectors(), kept)

    def candidates(self, histories: Histories) -> CodeArray:
        """Returns the codes [B, n_candidates] of what is handed to the ranker, −1 where there are fewer.

        Popular items for a person without events of whom the request tells what only the ranker reads.
        """
        code_BN = self._retrieved(histories)
        told = histories.told & (histories.lengths == 0)
        if told.any() and self.retriever.needs_history and not self.retriever._person_columns():
            code_BN[told] = top_k(self.memory.popularity[None, :], code_BN.shape[1])[0]
        return code_BN

    def _retrieved(self, histories: Histories) -> CodeArray:
        n_items = len(self.memory.items)
        if self._index is None:
            score_BI = np.array(self.retriever._score(histories), np.float32)
            exclude(score_BI, histories.indptr, histories.item)
            return top_k(score_BI, min(self.config.n_candidates, n_items))[0]
        assert isinstance(self.retriever, HasVectors)
        longest = int(histories.lengths.max(initial=0))
        depth = min(self.config.n_candidates + longest, n_items)
        code_BN, _ = self._index.search(self.retriever._user_vectors(histories), depth)
        return _unseen(code_BN, histories, min(self.config.n_candidates, n_items))

    def _shortlist(self, histories: Histories) -> tuple[CodeArray, FloatArray]:
        code_BN = self.candidates(histories)
        return code_BN, np.asarray(self.ranker._score_some(histories, np.maximum(code_BN, 0)), np.float32)

    def _score(self, histories: Histories) -> FloatArray:
        code_BN, ranked_BN = self._shortlist(histories)
        score_BI = np.full((len(histories), len(self.memory.items)), -np.inf, np.float32)
        row_BN = np.broadcast_to(np.arange(len(histories))[:, None], code_BN.shape)
        there_BN = code_BN >= 0
        score_BI[row_BN[there_BN], code_BN[there_BN]] = ranked_BN[there_BN]
        return score_BI

    def _state(self) -> Mapping[str, State]:
        kept = {} if self._index is None else self._index.keep()
        return {**super()._state(), **{f"{_INDEX}{name}": array for name, array in kept.items()}}

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        if isinstance(self.ranker, Explains):
            base_K, part_LK = self.ranker._contributions(history, item_codes)
            if np.any(part_LK) or not isinstance(self.retriever, Explains):
                return base_K, part_LK
        item_1K = item_codes[None, :]
        score_K = np.asarray(self.ranker._score_some(history, item_1K), np.float32)[0]
        if not isinstance(self.retriever, Explains):
            return score_K, np.zeros((len(history.item), len(item_codes)), np.float32)
        _, part_LK = self.retriever._contributions(history, item_codes)
        return score_K - part_LK.sum(axis=0), part_LK

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        super()._restore(arrays, learned)
        kept = {k.removeprefix(_INDEX): v for k, v in arrays.items() if k.startswith(_INDEX)}
        self._index = self._new_index(kept)


def _unseen(code_BN: CodeArray, histories: Histories, n: int) -> CodeArray:
    """Returns the first n codes of each row that the history does not hold, −1 at the end of a short row."""
    out_BN = np.full((len(code_BN), n), -1, np.int32)
    for row, codes in enumerate(code_BN):
        seen = histories.item[histories.indptr[row] : histories.indptr[row + 1]]
        kept = codes[(codes >= 0) & ~np.isin(codes, seen)][:n]
        out_BN[row, : len(kept)] = kept
    return out_BN
