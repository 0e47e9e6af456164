"""Engine: answers requests from the world in place and the store; knows nothing of HTTP."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsmith.data import Histories
from recsmith.errors import InvalidValue, UnknownId
from recsmith.models.capabilities import SimilarItems
from recsmith.models.memory import Memory
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.experiments import Experiment, Running
from recsmith.serving.records import Event, Item
from recsmith.serving.stages import Request, StageSettings, Work, answer, make_stages
from recsmith.serving.stages.explain import reasons
from recsmith.serving.store import Store
from recsmith.serving.store.store import milliseconds
from recsmith.serving.told import as_asked, as_known
from recsmith.serving.versions import Versions
from recsmith.serving.world import World

_EVENTS_KEPT = 4_000_000
"""Events of people that are kept in memory between requests, ready for the model; about 80 MB."""


@dataclass(frozen=True, eq=False)
class _Person:
    """Is a person's events as a world knows them; `state` says of which moment and which world."""

    state: tuple[int, str, int]
    seen: np.ndarray
    row: Histories

    @property
    def size(self) -> int:
        return len(self.seen) + 20  # a person without events takes room too


@dataclass(frozen=True)
class Answer:
    """Is a list with titles, scores, sources and, where asked for, reasons and the stages' trace."""

    version: str
    lines: list[dict[str, Any]]
    variant: str | None
    fallback: str
    trace: list[dict[str, Any]]


class Engine:
    """Holds the store and the world; `world` is replaced as a whole, so a request sees one state of it."""

    def __init__(
        self,
        store: Store,
        versions: Versions,
        *,
        settings: StageSettings | None = None,
        history_limit: int = 5_000,
    ) -> None:
        self.store, self.versions = store, versions
        self.settings = settings or StageSettings()
        self.history_limit = history_limit
        self.stages = make_stages()
        self._people: OrderedDict[str, _Person] = OrderedDict()
        self._n_kept = 0
        self._lock, self._changing, self._keeping = (threading.Lock() for _ in range(3))
        self._shown: list[dict[str, Any]] = []
        self.n_lists, self._served = 0, (np.zeros(0, np.int64), "")
        self._others: OrderedDict[str, World] = OrderedDict()
        self.sides: dict[str, World] = {}
        self.experiment: Experiment | None = None
        self._take_up_models()

    # The world ---------------------------------------------------------------------------------------

    def _take_up_models(self) -> None:
        """Reads the version in place, and those of an experiment's sides."""
        self._edition = self.versions.edition()  # first: what changes meanwhile is taken up the next time
        version = self.versions.current()
        if version is None:
            raise InvalidValue("place", "a folder with a published model", str(self.versions.folder))
        self.world = self._read(version)
        with self._lock:
            self._people.clear()
            self._n_kept = 0
        self._take_up_experiment(again=True)

    def _take_up_experiment(self, *, again: bool = False) -> None:
        experiment = Running(self.versions.folder).get()
        if experiment == self.experiment and not again:
            return
        sides = {} if experiment is None else experiment.variants
        worlds = {
            name: self.world if side.version == self.world.version else self._read(side.version)
            for name, side in sides.items()
        }
        self.sides, self.experiment = worlds, experiment

    def _read(self, version: str) -> World:
        model, about = self.versions.load(version)
        return World(model, Catalogue.of(model.memory).changed(self.store.items_since(0)), about)

    def look_around(self) -> bool:
        """Takes up a new version, an experiment and changed items; returns whether the model was swapped."""
        with self._changing:
            if self.versions.edition() != self._edition:
                self._take_up_models()
                return True
            self._take_up_experiment()
            self._take_up_items()
            return False

    def _take_up_items(self) -> None:
        news = self.store.items_since(self.world.catalogue.version)
        if news:
            self.world, *others = (
                replace(world, catalogue=world.catalogue.changed(news))
                for world in (self.world, *self.sides.values())
            )
            self.sides = dict(zip(self.sides, others, strict=True))

    def side_of(self, user_id: str) -> tuple[str | None, World]:
        """Returns a person's side of the experiment, if one runs and they are in it, and their world."""
        variant = None if self.experiment is None else self.experiment.variant(user_id)
        world = None if variant is None else self.sides.get(variant)
        return (None, self.world) if world is None else (variant, world)

    # Answers -----------------------------------------------------------------------------------------

    def recommend(self, user_id: str, *, version: str | None = None, **asked: Any) -> Answer:
        """Returns the list of a person, known or not; by a kept version where one is named."""
        variant, world = self.side_of(user_id)
        if version is not None and version != world.version:
            variant, world = None, self.other(version)
        return self._answer(world, self.request(world, user_id, **asked), variant=variant)

    def other(self, version: str) -> World:
        """Returns the world of a kept version, to be compared with; the last two asked for stay in memory."""
        with self._changing:
            if version == self.world.version:
                return self.world
            if version not in self._others:
                self._others[version] = self._read(version)
                while len(self._others) > 2:
                    self._others.popitem(last=False)
            return self._others[version]

    def recommend_history(
        self,
        history: Sequence[Event],
        *,
        features: Mapping[str, Any] | None = None,
        time: int | None = None,
        **asked: Any,
    ) -> Answer:
        """Returns the list of a person given by a history, oldest first, and features where they are told."""
        world = self.world
        seen, row = world.history(history, user_id=None, unchanged=False)
        told = as_asked(world, row, features=features, time=self._time(world, time))
        return self._answer(world, self._request_of(seen, told, user_id=None, **asked))

    def request(self, world: World, user_id: str, *, time: int | None = None, **asked: Any) -> Request:
        """Returns a person's request, in the indices of a world, with the items they blocked."""
        newest, blocked, data = self.store.state_of(user_id)
        if blocked:
            asked = {**asked, "blocked": (*asked.get("blocked", ()), *blocked)}
        person = self._person(world, user_id, newest)
        when = self._time(world, time)
        row = as_known(world, person.row, user_id=user_id, data=data, time=when)
        return self._request_of(person.seen, row, user_id=user_id, **asked)

    def _time(self, world: World, time: int | None) -> int | None:
        """Returns when a request takes place, ms; None is at the person's last event.

        During an experiment a side that does not read it is no reason to refuse what another side reads.
        """
        if time is None and self.settings.request_time == "now" and world.model.asks_when:
            return milliseconds()
        if time is None or world.model.asks_when:
            return time
        if not any(other.model.asks_when for other in (self.world, *self.sides.values())):
            name = type(world.model).__name__
            raise InvalidValue("time", f"left out: {name} does not read when somebody asks", time)
        return None

    def _person(self, world: World, user_id: str, newest: int) -> _Person:
        """Returns a person's events in the indices of a world.

        A copy is kept while the store has nothing newer, which one look into an index tells; so an event that
        another process took changes the next answer too.
        """
        state = (newest, world.version, world.catalogue.version)
        with self._lock:
            kept = self._people.get(user_id)
            if kept is not None and kept.state == state:
                self._people.move_to_end(user_id)
                return kept
        unchanged = newest <= int(world.about.get("through", 0))
        row = world.trained_row(user_id) if newest and unchanged else None
        if row is not None:
            person = _Person(state, row.item, row)
        else:
            events = self.store.history(user_id, limit=self.history_limit) if newest else []
            person = _Person(state, *world.history(events, user_id=user_id, unchanged=unchanged))
        with self._lock:
            self._drop(user_id)
            self._people[user_id] = person
            self._n_kept += person.size
            while self._n_kept > _EVENTS_KEPT:
                self._drop(next(iter(self._people)))
        return person

    def _drop(self, user_id: str) -> None:
        gone = self._people.pop(user_id, None)
        self._n_kept -= 0 if gone is None else gone.size

    def _request_of(self, seen: np.ndarray, row: Histories, *, user_id: str | None, **asked: Any) -> Request:
        settings = {
            name: asked.pop(name) for name in StageSettings.model_fields if asked.get(name) is not None
        }
        for name in StageSettings.model_fields:
            asked.pop(name, None)
        return Request(
            seen,
            row,
            user_id=user_id,
            settings=self.settings.model_copy(update=settings) if settings else self.settings,
            now=milliseconds(),
            **asked,
        )

    def _answer(self, world: World, request: Request, *, variant: str | None = None) -> Answer:
        (work,) = answer(world, [request], self.stages)
        self._count_served(world, work)
        if request.user_id is not None and (variant is not None or work.chance is not None):
            self._note_shown(world, work, variant)
        return Answer(world.version, lines(world, work), variant, work.fallback, work.trace)

    def _count_served(self, world: World, work: Work) -> None:
        counts, version = self._served
        if version != world.version:
            if world is not self.world:
                return
            counts = np.zeros(world.catalogue.n_model, np.int64)
            self.n_lists, self._served = 0, (counts, world.version)
        counts[work.place[work.place < world.catalogue.n_model]] += 1
        self.n_lists += 1

    def served(self, world: World) -> np.ndarray:
        """Returns how often each item was on a list since its version was taken up, int64[I]."""
        counts, version = self._served
        return counts if version == world.version else np.zeros(world.catalogue.n_model, np.int64)

    def search(self, words: str, *, k: int) -> list[dict[str, Any]]:
        """Returns the items whose titles have all the words, those that begin so and the popular first."""
        return self.world.catalogue.search(words, self.world.model.memory.popularity, k=k)

    def _note_shown(self, world: World, work: Work, variant: str | None) -> None:
        """Remembers what was shown, till `keep_shown` writes it down."""
        request = work.request
        chance = None if work.chance is None else {"chance": work.chance, "rank": work.first_rank}
        row = {
            "user_id": request.user_id,
            "time": request.now,
            "variant": ""
            if variant is None or self.experiment is None
            else f"{self.experiment.name}/{variant}",
            "version": world.version,
            "items": [str(world.catalogue.ids[place]) for place in work.place],
            "propensities": chance,
        }
        with self._lock:
            self._shown.append(row)

    def keep_shown(self) -> None:
        """Writes down what was shown till now; a crash in between loses these lines, no events."""
        with self._keeping:  # who returns from here finds all of it in the store
            with self._lock:
                rows, self._shown = self._shown, []
            self.store.add_shown(rows)

    def events(self, user_id: str) -> list[Event]:
        """Returns a person's newest events, oldest first."""
        return self.store.history(user_id, limit=self.history_limit)

    def similar(self, item_id: str, *, k: int) -> list[dict[str, Any]]:
        """Returns the items most like one: by the model, or by their words where the model cannot tell."""
        world = self.world
        place = self.place(item_id, world)
        catalogue = world.catalogue
        if place < catalogue.n_model and isinstance(world.model, SimilarItems):
            score = np.array(world.model._similar(np.array([place], np.int32))[0], np.float32)
        else:
            score = np.asarray((catalogue.words @ catalogue.words[place].T).todense(), np.float32).ravel()
            score[score <= 0] = -np.inf
        score[~catalogue.available[: len(score)]] = -np.inf
        score[place : place + 1] = -np.inf
        order = np.lexsort((np.arange(len(score)), -score))[:k]
        return _ranked(catalogue, order, score)

    def popular(self, *, k: int, categories: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Returns the items that most people took."""
        world = self.world
        catalogue = world.catalogue
        score = np.where(
            catalogue.available[: catalogue.n_model], world.model.memory.popularity, -np.inf
        ).astype(np.float32)
        if categories:
            inside = np.zeros(len(catalogue), bool)
            for name in categories:
                inside[catalogue.members.get(name, np.zeros(0, np.int32))] = True
            score[~inside[: catalogue.n_model]] = -np.inf
        return _ranked(catalogue, np.lexsort((np.arange(len(score)), -score))[:k], score)

    def explain(self, user_id: str, item_id: str) -> dict[str, Any]:
        """Returns an item's score for a person and the items of their history that led to it."""
        _, world = self.side_of(user_id)
        place = self.place(item_id, world)
        request = self.request(world, user_id)
        score, blind = None, world.model.needs_history and request.histories.cold.any()
        if place < world.catalogue.n_model and not blind:
            codes = np.array([[place]], np.int32)
            value = float(world.model.score_codes(request.histories, codes)[0, 0])
            score = value if np.isfinite(value) else None
        work = Work(request, np.array([place], np.int32), np.zeros(1, np.float32), np.array(["model"]))
        return {
            "item_id": world.catalogue.ids[place],
            "title": world.catalogue.title(place),
            "score": score,
            "because": reasons(world, work)[0],
        }

    def place(self, item_id: str, world: World | None = None) -> int:
        """Returns an item's index in the catalogue; raises `UnknownId`."""
        catalogue = (world or self.world).catalogue
        place = catalogue.index.get(item_id)
        if place is None or catalogue.items[place].deleted:
            raise UnknownId("item_id", [item_id])
        return place

    # What comes in -----------------------------------------------------------------------------------

    def add_events(self, events: Sequence[Event], *, unknown_items: str = "add") -> int:
        """Keeps events and returns how many were new; they are on the disk when this returns."""
        index = self.world.catalogue.index
        missing = {event.item_id for event in events if event.item_id not in index}
        if missing and unknown_items == "refuse":
            raise UnknownId("item_id", sorted(missing), "PUT the item first.")
        accepted = self.store.add_events(events, missing=missing)
        if missing:
            with self._changing:
                self._take_up_items()
        return accepted

    def put_items(self, items: Sequence[Item]) -> None:
        """Keeps items; they can be recommended at once."""
        self.store.put_items(items)
        with self._changing:
            self._take_up_items()

    def erase_user(self, user_id: str) -> dict[str, Any]:
        """Deletes a person from the store, from every kept model, and from memory; returns what was done.

        Their row of every learnt table is set to zero and their id is taken out of the vocabulary. What
        others' models learnt from them in common (an item's vector) stays until the next training.
        """
        with self._changing:
            rows = self.store.erase_user(user_id)
            self._others.clear()
            with self._lock:
                self._drop(user_id)
                self._shown = [row for row in self._shown if row["user_id"] != user_id]
            models = 0
            for version in self.versions.names():
                model, _ = self.versions.load(version)
                if model.forget([user_id]):
                    self.versions.rewrite(version, model)
                    models += 1
            self._take_up_models()
            left = self.store.rows_of(user_id)
        return {"user_id": user_id, "rows": rows, "models": models, "rows_left": left}


def _ranked(catalogue: Catalogue, order: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """Returns items in an order, those of score −inf left out, as they are sent."""
    best = [int(at) for at in order if score[at] > -np.inf]
    return [
        {"item_id": catalogue.ids[at], "title": catalogue.title(at), "score": float(score[at]), "rank": rank}
        for rank, at in enumerate(best, 1)
    ]


def lines(world: World, work: Work) -> list[dict[str, Any]]:
    """Returns a finished work's list as it is sent."""
    catalogue = world.catalogue
    because = work.because or [[] for _ in work.place]
    return [
        {
            "item_id": catalogue.ids[place],
            "title": catalogue.title(int(place)),
            "score": float(score),
            "rank": rank,
            "source": str(source),
            "because": why,
        }
        for rank, (place, score, source, why) in enumerate(
            zip(work.place, work.score, work.source, because, strict=True), 1
        )
    ]


def first_load(store: Store, memory: Memory) -> Mapping[str, int]:
    """Fills an empty store with a model's catalogue and the events that it learnt from."""
    if store.fact("loaded") is not None:
        return {"items": 0, "events": 0}
    catalogue = Catalogue.of(memory)
    store.put_items(catalogue.items)
    users = [str(user) for user in memory.users.ids.to_list()]
    histories, n_events = memory.histories, 0
    items = [str(item) for item in memory.items.ids.to_list()]
    # Events come in the order in which they happened, so that a blocked time series stays one.
    time_n = histories.time if histories.time is not None else np.arange(len(histories.item))
    user_n = np.repeat(np.arange(len(users)), histories.lengths)
    order = np.lexsort((np.arange(len(user_n)), time_n))
    for start in range(0, len(order), 50_000):
        block = [
            Event(
                users[user_n[e]],
                items[histories.item[e]],
                float(histories.weight[e]),
                int(time_n[e]) or 1,
                f"first-{e}",
            )
            for e in order[start : start + 50_000]
        ]
        n_events += store.add_events(block)
    store.put_fact("loaded", {"items": len(items), "events": n_events, "through": store.last_seq()})
    return {"items": len(items), "events": n_events}
