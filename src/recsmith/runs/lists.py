"""Lists for people: recommendations with titles and reasons, neighbours, explanations, all in a file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsmith import progress as bars
from recsmith.errors import InvalidValue, Shown
from recsmith.export.bundle import is_bundle
from recsmith.export.runtime import load_bundle
from recsmith.models.base import Recommender, load
from recsmith.models.capabilities import Explains, SimilarItems
from recsmith.models.memory import Memory
from recsmith.models.scoring import Unknown
from recsmith.runs.files import MODEL, refuse_existing
from recsmith.runs.titles import Titles
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.stages import Request, Stage, StageSettings, answer, make_stages
from recsmith.serving.world import World
from recsmith.storage import file_aside
from recsmith.types import ITEM_ID, RANK, SCORE, USER_ID, Id

N_REASONS = 2
USERS_A_PART = 4096


def open_model(path: str | Path, *, model_class: type[Recommender] | None = None) -> Advisor:
    """Opens the model of a run folder, of a folder that `model.save` wrote, or a bundle."""
    folder = Path(path)
    if is_bundle(folder):
        return Advisor(load_bundle(folder))
    inside = folder / MODEL
    return Advisor(load(inside if inside.is_dir() else folder, model_class=model_class))


class Advisor:
    """Puts a fitted model's answers into words: titles beside ids, reasons beside scores."""

    def __init__(self, model: Recommender) -> None:
        self.model = model
        catalogue = model.memory.catalogue
        self.titles = Titles(
            model.memory.items.ids.to_list(), titles=catalogue["title"].cast(pl.String).to_list()
        )

    def for_users(
        self,
        user_ids: Sequence[Id],
        *,
        k: int = 10,
        exclude_seen: bool = True,
        unknown: Unknown = "error",
        n_reasons: int = N_REASONS,
    ) -> list[dict[str, Any]]:
        """Returns for each user `user_id` and `recommendations`, as the commands print them."""
        lists = self.model.recommend(list(user_ids), k=k, exclude_seen=exclude_seen, unknown=unknown)
        users = self.model.memory.users
        told = []
        for user_id, items, scores in zip(lists.user_ids, lists.item_ids, lists.scores, strict=True):
            code = int(users.encode([user_id])[0])
            history = self._history_of(code)
            because = self.reasons(items, user_id=user_id, history=history, n=n_reasons)
            known_as = users.decode([code])[0] if code >= 0 else user_id
            told.append({USER_ID: known_as, "recommendations": self._lines(items, scores, because)})
        return told

    def for_likes(
        self, likes: Sequence[str], *, k: int = 10, exclude_seen: bool = True, n_reasons: int = N_REASONS
    ) -> list[dict[str, Any]]:
        """Returns recommendations for somebody new who likes the items with these titles."""
        return self.for_history(
            dict.fromkeys(map(self.titles.find, likes), self.model.memory.liked_weight),
            k=k,
            exclude_seen=exclude_seen,
            n_reasons=n_reasons,
        )

    def for_history(
        self,
        history: Mapping[Id, float],
        *,
        k: int = 10,
        exclude_seen: bool = True,
        n_reasons: int = N_REASONS,
    ) -> list[dict[str, Any]]:
        """Returns recommendations for somebody new with this history (item id to weight)."""
        lists = self.model.recommend(histories=[history], k=k, exclude_seen=exclude_seen)
        because = self.reasons(lists.item_ids[0], history=history, n=n_reasons)
        return self._lines(lists.item_ids[0], lists.scores[0], because)

    def reasons(
        self,
        item_ids: Sequence[Id],
        *,
        history: Mapping[Id, float],
        user_id: Id | None = None,
        n: int = N_REASONS,
    ) -> list[list[dict[str, Any]]]:
        """Returns for each item the items of the history that led to it, strongest first.

        A model that explains its scores gives their contributions; one that only knows which items are
        alike gives the likeness; others give nothing.
        """
        if not history or not item_ids or n < 1:
            return [[] for _ in item_ids]
        if isinstance(self.model, Explains):
            told = self.model.explain_list(
                user_id, item_ids, history=None if user_id is not None else history, k=n
            )
            return [[self._reason(one.item_id, one.weight) for one in each.because] for each in told]
        if isinstance(self.model, SimilarItems):
            n_items = len(self.model.memory.items)
            told_alike = []
            for item_id in item_ids:
                alike = self.model.similar_items(item_id, k=n_items)
                mine = [one for one in alike if one.item_id in history and one.score > 0][:n]
                told_alike.append([self._reason(one.item_id, one.score) for one in mine])
            return told_alike
        return [[] for _ in item_ids]

    def similar(self, item: str, *, k: int = 10) -> dict[str, Any]:
        """Returns `item_id`, `title` and `similar`, its neighbours best first."""
        item_id = self.find(item)
        if not isinstance(self.model, SimilarItems):
            raise _lacks("knows which items are alike (ItemKNN, PureSVD, …)", self.model)
        found = self.model.similar_items(item_id, k=k)
        lines = self._lines([one.item_id for one in found], [one.score for one in found], [[] for _ in found])
        plain = [{key: value for key, value in line.items() if key != "because"} for line in lines]
        return {ITEM_ID: item_id, "title": self.titles.title(item_id), "similar": plain}

    def explain(
        self, item: str, *, user: Id | None = None, likes: Sequence[str] = (), k: int = 5
    ) -> dict[str, Any]:
        """Returns an item's score for a person and the items of their history that led to it."""
        if not isinstance(self.model, Explains):
            raise _lacks("explains its scores (ItemKNN, EASE, TfIdfContent, …)", self.model)
        if k < 1:
            raise InvalidValue("k", "a whole number, 1 or more", k)
        item_id = self.find(item)
        history = None if user is not None else [self.titles.find(title) for title in likes]
        told = self.model.explain(user, item_id, history=history, k=k)
        document = told.to_dict()
        because = [self._reason(one.item_id, one.weight) for one in told.because]
        return {ITEM_ID: item_id, "title": self.titles.title(item_id), **document, "because": because}

    def find(self, item: str) -> Id:
        """Returns the id of an item given by its id or by its title."""
        code = int(self.model.memory.items.encode([item])[0])
        if code >= 0:
            found: Id = self.model.memory.items.decode([code])[0]
            return found
        named: Id = self.titles.find(item)
        return named

    def history(self, user_id: Id) -> dict[Id, float]:
        """Returns the training history of a user, oldest first; empty for one the model does not know."""
        return self._history_of(int(self.model.memory.users.encode([user_id])[0]))

    def _history_of(self, code: int) -> dict[Id, float]:
        if code < 0:
            return {}
        histories = self.model.memory.histories
        rows = slice(int(histories.indptr[code]), int(histories.indptr[code + 1]))
        ids = self.model.memory.items.decode(histories.item[rows])
        return dict(zip(ids, histories.weight[rows].tolist(), strict=True))

    def _reason(self, item_id: Id, weight: float) -> dict[str, Any]:
        return {ITEM_ID: item_id, "title": self.titles.title(item_id), "weight": weight}

    def _lines(
        self, items: Sequence[Id], scores: Sequence[float], because: Sequence[list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        return [
            {ITEM_ID: item_id, "title": self.titles.title(item_id), SCORE: score, RANK: rank, "because": why}
            for rank, (item_id, score, why) in enumerate(zip(items, scores, because, strict=True), 1)
        ]


def write_all(
    advisor: Advisor,
    out: str | Path,
    *,
    k: int = 10,
    exclude_seen: bool = True,
    settings: StageSettings | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Writes `user_id, item_id, score, rank` of every user through the service's stages: Parquet, or CSV.

    Memory does not grow with the number of users. Parts of `USERS_A_PART` users are kept beside the target
    until the file is whole; `resume` goes on after the parts that a stopped call left.
    """
    target = Path(out)
    refuse_existing(target, overwrite=overwrite)
    memory = advisor.model.memory
    world = World(advisor.model, Catalogue.of(memory))
    chosen = settings or StageSettings()
    asked = {"k": k, "exclude_seen": exclude_seen, **chosen.model_dump(mode="json")}
    parts = target.with_name(f".{target.name}.parts")
    _begin(parts, {**asked, "users": len(memory.users), "model": repr(advisor.model)}, resume=resume)
    stages, n_users = make_stages(), len(memory.users)
    schema: dict[str, Any] = {
        USER_ID: memory.users.ids.dtype,
        ITEM_ID: memory.items.ids.dtype,
        SCORE: pl.Float32,
        RANK: pl.Int32,
    }
    with bars.bar("recommend", total=n_users, shown=progress) as bar:
        for start in range(0, n_users, USERS_A_PART):
            stop = min(start + USERS_A_PART, n_users)
            part = parts / f"{start:012d}.parquet"
            if not part.is_file():
                frame = _lists_of(world, memory, start, stop, stages, chosen, k=k, exclude_seen=exclude_seen)
                with file_aside(part) as aside:
                    frame.cast(pl.Schema(schema)).write_parquet(aside)
            bar.step(stop - start)
    with file_aside(target) as aside:
        rows = pl.scan_parquet(parts / "*.parquet") if n_users else pl.LazyFrame(schema=schema)
        rows.sink_csv(aside) if _is_csv(target) else rows.sink_parquet(aside)
        counts = rows.select(pl.len(), pl.col(USER_ID).n_unique()).collect().row(0)
    shutil.rmtree(parts)
    return {"out": os.fspath(target), "n_users": counts[1], "n_rows": counts[0]}


def _begin(parts: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
    """Makes the folder of parts, or finds the one of a stopped call that asked the same."""
    said = json.dumps(asked, sort_keys=True)
    begun = parts / "asked.json"
    if resume and begun.is_file() and begun.read_text(encoding="utf-8") != said:
        raise InvalidValue("--resume", "of the same call", Shown("another model, k or stages"))
    if not resume:
        shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True, exist_ok=True)
    with file_aside(begun) as aside:
        aside.write_text(said, encoding="utf-8")


def _lists_of(
    world: World,
    memory: Memory,
    start: int,
    stop: int,
    stages: Sequence[Stage],
    settings: StageSettings,
    *,
    k: int,
    exclude_seen: bool,
) -> pl.DataFrame:
    """Returns the lists of users start to stop; users without history get none."""
    block = memory.histories.block(start, stop)
    requests, codes = [], []
    for row in range(stop - start):
        one = block.block(row, row + 1)
        if len(one.item) or not world.model.needs_history:
            requests.append(Request(one.item, one, k=k, exclude_seen=exclude_seen, settings=settings))
            codes.append(start + row)
    works = answer(world, requests, stages)
    lengths = [len(work.place) for work in works]
    nothing = np.zeros(0, np.int32)
    return pl.DataFrame(
        {
            USER_ID: memory.users.ids.gather(np.repeat(codes, lengths).astype(np.int64)),
            ITEM_ID: memory.items.ids.gather(np.concatenate([nothing, *(w.place for w in works)])),
            SCORE: np.concatenate([np.zeros(0, np.float32), *(w.score for w in works)]),
            RANK: np.concatenate([nothing, *(np.arange(1, n + 1) for n in lengths)]),
        }
    )


def write_lists(document: Mapping[str, Any], out: str | Path, *, overwrite: bool = False) -> None:
    """Writes what `recommend` prints as a table: Parquet, or CSV by its ending."""
    target = Path(out)
    refuse_existing(target, overwrite=overwrite)
    people = document.get("users") or [{USER_ID: "", **document}]
    rows = [
        {USER_ID: one[USER_ID], **{key: line[key] for key in (ITEM_ID, "title", SCORE, RANK)}}
        for one in people
        for line in one["recommendations"]
    ]
    columns = (USER_ID, ITEM_ID, "title", SCORE, RANK)
    frame = pl.DataFrame(rows, schema=None if rows else dict.fromkeys(columns, pl.String))
    with file_aside(target) as aside:
        if _is_csv(target):
            frame.write_csv(aside)
        else:
            frame.write_parquet(aside)


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _lacks(what: str, model: Recommender) -> InvalidValue:
    return InvalidValue("model", f"one that {what}", Shown(type(model).__name__))
