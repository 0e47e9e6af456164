"""What some models can do besides recommending; a model has a capability or has not, asked by isinstance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self, final

import numpy as np
import polars as pl

from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue
from recsmith.kernels.topk import top_k
from recsmith.models.base import Recommender
from recsmith.models.growth import grown
from recsmith.models.memory import History, Memory
from recsmith.models.scoring import list_length
from recsmith.models.told import Features, told_table
from recsmith.types import CodeArray, Explanation, FloatArray, Id, Reason, Recommendation


class SimilarItems(Recommender):
    """Knows how alike two items are."""

    @abstractmethod
    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns a new float32 [B, I]: similarity of each given item to every item, -inf for none."""

    @final
    def similar_items(self, item_id: Id, *, k: int = 10) -> tuple[Recommendation, ...]:
        """Returns the k items most like the given one, best first; the item itself is left out."""
        depth = list_length(k)
        codes = self.item_codes([item_id])
        score_BI = np.array(self._similar(codes), np.float32)
        score_BI[0, codes[0]] = -np.inf
        code_BK, best_BK = top_k(score_BI, min(depth, score_BI.shape[1]))
        found = code_BK[0][code_BK[0] >= 0]
        pairs = zip(self.memory.items.decode(found), best_BK[0].tolist(), strict=False)
        return tuple(Recommendation(item, score, rank) for rank, (item, score) in enumerate(pairs, 1))


class Shortlists(Recommender):
    """Scores some items only; the rest is never looked at, so that a list of millions costs no more."""

    @abstractmethod
    def _shortlist(self, histories: Histories) -> tuple[CodeArray, FloatArray]:
        """Returns codes int32 [B, N], −1 for none, and their scores float32 [B, N], in any order.

        `_score` gives these scores to these items and −inf to all others.
        """


class Explains(Recommender):
    """Says which items of a person's history led to a score, and how much each added."""

    @abstractmethod
    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Returns base [K] and contributions [L, K] of one person's L events to K items' scores.

        base + contributions.sum(0) is the score that the model gives those items for this history.
        """

    @final
    def explain(
        self, user_id: Id | None, item_id: Id, *, history: History | None = None, k: int = 5
    ) -> Explanation:
        """Returns why an item scores as it does for a known user, or for a history when user_id is None."""
        return self.explain_list(user_id, [item_id], history=history, k=k)[0]

    @final
    def explain_list(
        self, user_id: Id | None, item_ids: Sequence[Id], *, history: History | None = None, k: int = 5
    ) -> list[Explanation]:
        """Returns the explanation of each item, with its k largest contributions."""
        n_reasons = list_length(k)
        names, rows, cold = self._people(
            None if user_id is None else [user_id], None if history is None else [history]
        )
        if cold.any():
            cure = "Give history=[item ids] of items that it knows."
            self._refuse(names, cold, by_id=user_id is not None, cure=cure)
        codes = self.item_codes(item_ids)
        base_K, part_LK = self._contributions(rows, codes)
        seen = self.memory.items.decode(rows.item)
        told = []
        for column, item_id in enumerate(self.memory.items.decode(codes)):
            parts = np.asarray(part_LK[:, column], np.float64)
            order = np.lexsort((rows.item, -parts))[:n_reasons]
            because = tuple(Reason(seen[event], float(parts[event])) for event in order if parts[event] > 0)
            base = float(base_K[column])
            listed = sum(reason.weight for reason in because)
            total = float(parts.sum())
            told.append(Explanation(item_id, base + total, because, base=base, rest=total - listed))
        return told


class PredictsRatings(Recommender):
    """Predicts the rating a person would give."""

    @abstractmethod
    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        """Returns float32[n]: the rating of item_n[j] by the person of row row_n[j]; a number always.

        A person without history or an item without ratings gets the mean that is known.
        """

    @final
    def predict(
        self,
        users: Sequence[Id] | None,
        item_ids: Sequence[Id],
        *,
        histories: Sequence[History] | None = None,
        times: Sequence[datetime] | None = None,
    ) -> FloatArray:
        """Returns the predicted rating of each pair: users[j] (or histories[j]) and item_ids[j].

        `times` says when each would be given, to models that read it; times without a zone are UTC.
        """
        _, rows, _ = self._people(users, histories)
        for name, given in (("item_ids", item_ids), ("times", times)):
            if given is not None and len(given) != len(rows):
                raise InvalidValue(name, f"{len(rows)} long, one for each person", len(given))
        time_n = None if times is None else np.array([_milliseconds(time) for time in times], np.int64)
        return self.predict_codes(rows, np.arange(len(rows)), self.item_codes(item_ids), time_n=time_n)

    @final
    def predict_codes(
        self, histories: Histories, row_n: np.ndarray, item_n: CodeArray, *, time_n: np.ndarray | None = None
    ) -> FloatArray:
        """Returns the predicted rating of each pair (row of histories, item code); `time_n` int64 ms."""
        if time_n is not None and isinstance(self, PredictsInTime):
            return np.asarray(self._predict_at(histories, row_n, item_n, time_n), np.float32)
        return np.asarray(self._predict(histories, row_n, item_n), np.float32)


class PredictsInTime(PredictsRatings):
    """Predicts the rating a person would give at a certain time."""

    @property
    @abstractmethod
    def reads_time(self) -> bool:
        """Whether the time is of any matter to the model as it was set up."""

    @abstractmethod
    def _predict_at(
        self, histories: Histories, row_n: np.ndarray, item_n: CodeArray, time_n: np.ndarray | None
    ) -> FloatArray:
        """Returns float32[n]: as `_predict`, given at `time_n` (ms); None is when each person is served."""

    @final
    def _predict(self, histories: Histories, row_n: np.ndarray, item_n: CodeArray) -> FloatArray:
        return self._predict_at(histories, row_n, item_n, None)


def _milliseconds(time: datetime) -> int:
    if not isinstance(time, datetime):
        raise InvalidValue("times", "datetimes", time)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


class PartialFit(Recommender):
    """Learns from new events without forgetting the old ones; new people and items join."""

    @abstractmethod
    def _partial_fit(self, data: Dataset, run: Run) -> None:
        """Goes on learning; `data` is the old log and the new one, `self.memory` is grown already."""

    @final
    def partial_fit(self, data: Dataset, *, run: Run | None = None) -> Self:
        """Learns from new events and returns the model; ids it knew keep their codes."""
        if not len(data):
            raise InvalidValue("data", "at least one interaction", len(data))
        this_run = run or Run()
        whole = grown(self.memory, data)
        self._memory = Memory.of(whole)
        self._partial_fit(whole, this_run)
        self.learning_curve = (*self.learning_curve, *this_run.history)
        return self


class CrossesFeatures(Recommender):
    """Multiplies features explicitly, and can say which products it uses."""

    @abstractmethod
    def feature_crosses(self) -> tuple[list[str], FloatArray]:
        """Returns the features' names and how much each pair matters, float32 [F, F].

        Raises `InvalidValue` where the settings chosen leave no such weights.
        """


class HasVectors(Recommender):
    """Keeps a vector for each item and makes one for each person; their product is the score's core."""

    @abstractmethod
    def _item_vectors(self) -> FloatArray:
        """Returns float32 [I, D]."""

    @abstractmethod
    def _user_vectors(self, histories: Histories) -> FloatArray:
        """Returns float32 [B, D]: learnt vectors of training users, folded-in ones of strangers."""

    @final
    def item_vectors(self, item_ids: Sequence[Id] | None = None) -> FloatArray:
        """Returns the vectors [n, D] of items, of all in code order by default."""
        vectors = self._item_vectors()
        return vectors if item_ids is None else vectors[self.item_codes(item_ids)]

    @final
    def user_vectors(
        self, users: Sequence[Id] | None = None, *, histories: Sequence[History] | None = None
    ) -> FloatArray:
        """Returns the vectors [B, D] of known users or of people given by their history."""
        _, rows, _ = self._people(users, histories)
        return self._user_vectors(rows)


class VectorsOfNewItems(HasVectors):
    """Makes the vector of an item that training never saw from its features, where it was given any."""

    @abstractmethod
    def _item_columns(self) -> tuple[Column, ...]:
        """Returns the features of items that vectors are made of; none where ids alone are."""

    @abstractmethod
    def _vectors_of_new(self, table: pl.DataFrame) -> FloatArray:
        """Returns float32 [n, D]: the vectors of rows that hold those features; their ids are unknown."""

    @final
    def vectors_of_new_items(self, features: Sequence[Features]) -> FloatArray:
        """Returns the vectors [n, D] of items told by their features, as in `item_vectors`.

        Raises `InvalidValue` for features that the model does not read, or of another kind.
        """
        columns = self._item_columns()
        table = told_table(columns, features, model=type(self).__name__, of="items")
        if table is None:
            raise InvalidValue("features", "given, at least one", list(features))
        return self._vectors_of_new(table)
