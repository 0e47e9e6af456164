"""Parity: real histories with the source model's answers, and whether a model file gives the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.data import Histories, Vocabulary
from recsmith.export.manifest import ParityFigures, Quantize
from recsmith.models.base import Recommender
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray, Id

K = 10
TIE = 1e-5
"""Neighbours whose scores differ by less (times the score's size, when above 1) may change places."""
CLOSE = 1e-4
"""How far scores may be apart (times the score's size, when above 100)."""
OVERLAP = 0.97
"""Quantised files: the share of the source's ids that must be kept."""
_EVERY = 16  # of the histories, one in so many holds ids that the catalogue does not know

Lists = tuple[CodeArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Cases:
    """Holds the recorded histories, in the outside world's ids, and what the source model answers.

    `item_ids` and `scores` are lists of up to k; `spare` is the next best item and its score, which settles
    ties at the end of a list. `weights` and `times` (ms) are there for models that read them.
    """

    k: int
    histories: list[list[Id]]
    item_ids: list[list[Id]]
    scores: list[list[float]]
    spare: list[tuple[Id, float] | None]
    weights: list[list[float]] | None = None
    times: list[list[int]] | None = None

    def encoded(self, items: Vocabulary, *, liked_weight: float) -> Histories:
        """Returns the histories as people without an id; ids that the catalogue lacks are left out."""
        lengths = np.array([len(row) for row in self.histories], np.int64)
        codes = items.encode([one for row in self.histories for one in row])
        weight = np.full(len(codes), liked_weight, np.float32)
        if self.weights is not None:
            weight = np.array([w for row in self.weights for w in row], np.float32)
        time = None
        if self.times is not None:
            time = np.array([t for row in self.times for t in row], np.int64)
        known = codes >= 0
        ends = np.concatenate([[0], np.cumsum(known)])
        indptr = ends[np.concatenate([[0], np.cumsum(lengths)])]
        return Histories(
            indptr.astype(np.int64),
            codes[known].astype(np.int32),
            weight[known],
            np.full(len(lengths), -1, np.int32),
            None if time is None else time[known],
        )

    def expected(self, items: Vocabulary) -> Lists:
        """Returns the source's lists with the spare behind them: codes [B, k + 1], scores [B, k + 1]."""
        code_BK = np.full((len(self.histories), self.k + 1), -1, np.int32)
        score_BK = np.full((len(self.histories), self.k + 1), -np.inf, np.float32)
        for row, (ids, scores, spare) in enumerate(zip(self.item_ids, self.scores, self.spare, strict=True)):
            more = [*ids, *([] if spare is None else [spare[0]])]
            code_BK[row, : len(more)] = items.encode(more)
            score_BK[row, : len(more)] = [*scores, *([] if spare is None else [spare[1]])]
        return code_BK, score_BK

    def save(
        self, file: Path, *, made_with: Mapping[str, str], rank: Mapping[str, Any] | None = None
    ) -> None:
        """Writes parity.json; `rank` is what is recorded for the second file."""
        described: dict[str, Any] = {
            "k": self.k,
            "made_with": dict(made_with),
            "histories": self.histories,
            "item_ids": self.item_ids,
            "scores": self.scores,
            "spare": self.spare,
        }
        if self.weights is not None:
            described["weights"] = self.weights
        if self.times is not None:
            described["times"] = self.times
        if rank is not None:
            described["rank"] = dict(rank)
        file.write_text(json.dumps(described, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def of_dict(cls, described: Mapping[str, Any]) -> Cases:
        """Reads what `save` wrote."""
        return cls(
            described["k"],
            described["histories"],
            described["item_ids"],
            described["scores"],
            [None if one is None else (one[0], one[1]) for one in described["spare"]],
            described.get("weights"),
            described.get("times"),
        )


def record(
    model: Recommender,
    *,
    history_length: int,
    top_k: int,
    with_weights: bool,
    with_times: bool,
    n_histories: int = 1000,
    k: int = K,
) -> Cases:
    """Returns cases from the training histories: beginnings of every length, from nothing to too long.

    What a file is asked for is the model's answer to the newest `history_length` events, less everything
    seen.
    """
    rows = _chosen(model.memory.histories, n_histories, history_length)
    lists = answers(model, rows, history_length=history_length, top_k=top_k)
    decode = model.memory.items.decode
    item_ids, scores, spares = [], [], []
    for code_K, score_K in zip(*lists, strict=True):
        n = int((code_K >= 0).sum())
        ids = decode(code_K[:n])
        item_ids.append(ids[:k])
        scores.append([float(x) for x in score_K[: min(n, k)]])
        spares.append((ids[k], float(score_K[k])) if n > k else None)
    histories, weights, times = _with_unknown(model, rows)
    return Cases(
        k,
        histories,
        item_ids,
        scores,
        spares,
        weights if with_weights else None,
        times if with_times and rows.time is not None else None,
    )


def answers(model: Recommender, rows: Histories, *, history_length: int, top_k: int) -> Lists:
    """Returns the model's lists for the newest events of each row, without anything seen: [B, top_k]."""
    cut = newest_events(rows, history_length)
    codes, scores = [], []
    for block in model.top_k(cut, k=top_k, unknown="popular"):
        codes.append(block.codes)
        scores.append(block.scores)
    code_BK, score_BK = np.concatenate(codes), np.concatenate(scores)
    for row in np.flatnonzero(rows.lengths > history_length):
        seen = rows.item[rows.indptr[row] : rows.indptr[row + 1]]
        keep = ~np.isin(code_BK[row], seen)
        n = int(keep.sum())
        code_BK[row, :n], score_BK[row, :n] = code_BK[row, keep], score_BK[row, keep]
        code_BK[row, n:], score_BK[row, n:] = -1, -np.inf
    return code_BK, score_BK


def newest_events(rows: Histories, length: int) -> Histories:
    """Returns the rows with no more than their newest `length` events."""
    first = np.maximum(rows.indptr[:-1], rows.indptr[1:] - length)
    kept = rows.indptr[1:] - first
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    place = np.repeat(first - indptr[:-1], kept) + np.arange(indptr[-1])
    time = None if rows.time is None else rows.time[place]
    return Histories(indptr, rows.item[place], rows.weight[place], rows.user, time)


def compare(
    cases: Cases, items: Vocabulary, got: Lists, *, quantize: Quantize | None = None
) -> ParityFigures:
    """Returns how a file's lists stand against the recorded ones; quantised files are judged by overlap."""
    want_BK, score_BK = cases.expected(items)
    k, equal, ties, kept, listed, farthest = cases.k, 0, 0, 0, 0, 0.0
    near = True
    for row, want_K in enumerate(want_BK):
        got_K, got_score_K = got[0][row, :k], got[1][row, :k]
        place = {int(code): p for p, code in enumerate(want_K) if code >= 0}
        first = [int(code) for code in want_K[:k] if code >= 0]
        found = [int(code) for code in got_K if code >= 0]
        listed, kept = listed + len(first), kept + len(set(first) & set(found))
        if found == first:
            equal += 1
        elif _same_but_ties(found, first, place, score_BK[row]):
            equal, ties = equal + 1, ties + 1
        for p, code in enumerate(found):
            if code in place:
                want = float(score_BK[row, place[code]])
                apart = abs(float(got_score_K[p]) - want)
                farthest = max(farthest, apart)
                near = near and apart <= CLOSE * max(1.0, abs(want) / 100)
    n, overlap = len(want_BK), kept / listed if listed else 1.0
    passed = (equal == n and near) if quantize is None else overlap >= OVERLAP
    return ParityFigures(
        n_histories=n,
        k=k,
        order_equal=equal,
        near_ties=ties,
        max_score_difference=farthest,
        overlap=overlap,
        passed=passed,
    )


def check(
    cases: Cases,
    items: Vocabulary,
    ask: Callable[[Histories], Lists],
    *,
    liked_weight: float,
    quantize: Quantize | None = None,
) -> ParityFigures:
    """Asks for the lists of all recorded histories and compares them."""
    return compare(cases, items, ask(cases.encoded(items, liked_weight=liked_weight)), quantize=quantize)


def _same_but_ties(found: list[int], want: list[int], place: Mapping[int, int], score_K: FloatArray) -> bool:
    """Says whether each found item's score is, within a tie, the one that stands at its place."""
    if len(found) != len(want) or len(set(found)) != len(found) or any(code not in place for code in found):
        return False
    for p, code in enumerate(found):
        there, own = float(score_K[p]), float(score_K[place[code]])
        if abs(there - own) >= TIE * max(1.0, abs(there)):
            return False
    return True


def _chosen(histories: Histories, n: int, history_length: int) -> Histories:
    """Returns beginnings of training histories: empty, one, full, over-full, and lengths drawn between."""
    drawn = generator(0, "parity")
    people = np.flatnonzero(histories.lengths > 0)
    item, weight, time, lengths = [], [], [], []
    for case in range(n):
        kind = case % 20
        want = {0: 0, 1: 1, 2: history_length, 3: history_length + 1 + case % 50}.get(kind)
        places: list[np.ndarray] = []
        while True:
            person = int(drawn.choice(people))
            start, stop = int(histories.indptr[person]), int(histories.indptr[person + 1])
            places.append(np.arange(start, stop))
            if want is None:  # any beginning of this person's history
                want = int(drawn.integers(1, stop - start + 1))
            if sum(map(len, places)) >= want:  # longer than anybody's: several people's, one after another
                break
        place = np.concatenate(places)[:want]
        item.append(histories.item[place])
        weight.append(histories.weight[place])
        if histories.time is not None:
            time.append(np.sort(histories.time[place]))
        lengths.append(len(place))
    return Histories(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate(item).astype(np.int32),
        np.concatenate(weight).astype(np.float32),
        np.full(n, -1, np.int32),
        np.concatenate(time) if time else None,
    )


def _with_unknown(
    model: Recommender, rows: Histories
) -> tuple[list[list[Id]], list[list[float]], list[list[int]]]:
    """Returns ids, weights and times of each row; some rows hold ids that nobody knows."""
    vocabulary = model.memory.items
    strange: Sequence[Id] = ["not in the catalogue", "¿?"]
    if vocabulary.is_integer:
        highest = int(vocabulary.ids.max() or 0)  # type: ignore[arg-type]
        strange = [highest + 1, highest + 2]
    all_ids = vocabulary.decode(rows.item)
    histories, weights, times = [], [], []
    for row in range(len(rows)):
        some = slice(int(rows.indptr[row]), int(rows.indptr[row + 1]))
        ids, weight = list(all_ids[some]), [float(w) for w in rows.weight[some]]
        time = [] if rows.time is None else [int(t) for t in rows.time[some]]
        if row % _EVERY in (0, 5):
            ids, weight = [*ids, strange[0]], [*weight, 1.0]
            time = [*time, time[-1] if time else 0]
        if row % _EVERY == 5:
            ids, weight = [strange[1], *ids], [1.0, *weight]
            time = [time[0], *time]
        histories.append(ids)
        weights.append(weight)
        times.append(time)
    return histories, weights, times
