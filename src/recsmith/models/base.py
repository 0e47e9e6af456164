"""Recommender: the public verbs of every model, written once; a model fills in config, fit and score."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias, cast, final, get_args

import numpy as np
from scipy import sparse

from recsmith.config import Config as BaseConfig
from recsmith.config import Run
from recsmith.data import Dataset, Histories
from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue, NotFitted, Shown, UnknownId, enough_memory
from recsmith.models import files
from recsmith.models.accelerator import accelerator
from recsmith.models.memory import History, Memory
from recsmith.models.scoring import (
    SCORING_CURE,
    Scorer,
    TopBlock,
    Unknown,
    block_rows,
    in_blocks,
    list_length,
)
from recsmith.models.told import Features, asking_time, told_table
from recsmith.types import CodeArray, FloatArray, Id, Recommendations

State: TypeAlias = np.ndarray | sparse.csr_matrix | float | None


class Recommender(ABC):
    """Is what every model is: settings, `fit`, and verbs that serve hot, warm and cold people alike.

    A model sets `Config` and `state_names` and writes `_fit` and `_score`; it overrides nothing public.
    """

    Config: ClassVar[type[BaseConfig]]
    state_names: ClassVar[tuple[str, ...]] = ()
    """Fitted attributes that are saved: float/int arrays, CSR matrices, numbers, or None."""
    needs_history: ClassVar[bool] = True
    """False for a model that answers a person without any history."""

    def __init__(self, config: BaseConfig | None = None, /, **settings: Any) -> None:
        if config is not None and not isinstance(config, self.Config):
            raise InvalidValue("config", f"a {self.Config.__name__}", type(config).__name__)
        given: dict[str, Any] = config.model_dump() if config is not None else {}
        self.config: BaseConfig = self.Config.of({**given, **settings}, within=type(self).__name__)
        self.learning_curve: tuple[dict[str, float], ...] = ()
        """A row an epoch for models that learn in epochs: `epoch` and the figures it logged."""
        self._memory: Memory | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "Config" in cls.__dict__:  # help(Model) and editors show the settings
            cls.__signature__ = inspect.signature(cls.Config)  # type: ignore[attr-defined]

    # What a model writes -----------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, data: Dataset, run: Run) -> None:
        """Learns from `data` and sets the attributes of `state_names`."""

    @abstractmethod
    def _score(self, histories: Histories) -> FloatArray:
        """Returns a new float32 [B, I]: higher is better, -inf for no evidence.

        Rows with `user` >= 0 are training users with their training history; -1 rows are strangers.
        """

    # What a model may write --------------------------------------------------------------------------

    def _state(self) -> Mapping[str, State]:
        """Returns what was fitted, by name; by default the attributes of `state_names`."""
        return {name: cast(State, getattr(self, name)) for name in self.state_names}

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        """Returns float32 [B, N]: the scores of N items for each row; here, picked from all scores."""
        return np.take_along_axis(np.asarray(self._score(histories)), item_code_BN, axis=1)

    def _product(self) -> tuple[Callable[[Histories], FloatArray], FloatArray] | None:
        """Returns L of histories, [B, K], and R [K, I], where scores are L R but for what nobody took."""
        return None

    def _learned(self) -> dict[str, Any]:
        """Returns what was fitted and is no array, as plain values for JSON."""
        return {}

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        """Puts back what `_state` and `_learned` gave."""
        for name, value in files.unpack(arrays, self.state_names).items():
            setattr(self, name, value)

    def _person_columns(self) -> tuple[Column, ...]:
        """Returns the features of people that the model reads (of `Histories.people`), none by default."""
        return ()

    def _reads_request_time(self) -> bool:
        """Returns whether a score hangs on when somebody asks (`Histories.asked`)."""
        return False

    def _forget(self, user_code: int) -> None:
        """Clears what was learnt of one user: their row of state whose shape begins with the letter U."""
        for name in self.state_names:
            value = getattr(self, name)
            if not name.rpartition("_")[2].startswith("U") or value is None:
                continue
            if sparse.issparse(value):
                value.data[value.indptr[user_code] : value.indptr[user_code + 1]] = 0
            else:
                value[user_code] = 0

    # What everybody calls ----------------------------------------------------------------------------

    @final
    def fit(self, data: Dataset, *, run: Run | None = None) -> Self:
        """Learns from the data and returns the model."""
        if not len(data):
            raise InvalidValue("data", "at least one interaction", len(data))
        this_run = run or Run()
        self._memory = Memory.of(data)
        with enough_memory(f"{type(self).__name__}.fit", "Lower embedding_dim, or filter the data."):
            self._fit(data, this_run)
        self.learning_curve = tuple(this_run.history)
        return self

    @final
    def recommend(
        self,
        users: Sequence[Id] | None = None,
        *,
        histories: Sequence[History] | None = None,
        k: int = 10,
        candidates: Sequence[Id] | None = None,
        exclude_seen: bool = True,
        unknown: Unknown = "error",
        features: Sequence[Features] | None = None,
        at: datetime | None = None,
        run: Run | None = None,
    ) -> Recommendations:
        """Returns the k best items for each known user, or for each history of a person never seen.

        `candidates` are the items that may come back (default all). Items of the history are left out when
        `exclude_seen`. `unknown` says what a person gets of whom nothing is known (an id not in training, a
        history without a known item): an error, the popular items, or no list. Equal scores go by item
        code; fewer than k come back when fewer qualify.

        `features`, one mapping a history, tell of these people what the model's user table told of those in
        training; somebody told of needs no history. `at` is when they ask (UTC without a zone), at their last
        event when not given. A model that reads neither refuses them: see `person_features` and `asks_when`.
        """
        names, rows, cold = self._people(users, histories, features=features, at=at)
        if unknown not in get_args(Unknown):
            raise InvalidValue("unknown", "one of 'error', 'popular', 'skip'", unknown)
        if self.needs_history and unknown == "error" and cold.any():
            self._refuse(names, cold, by_id=users is not None)
        allowed = None if candidates is None else self._mask(candidates)
        lists: list[tuple[Id, ...]] = []
        scores: list[tuple[float, ...]] = []
        for block in self.top_k(
            rows, k=k, exclude_seen=exclude_seen, unknown=unknown, allowed=allowed, run=run
        ):
            lengths = (block.codes >= 0).sum(axis=1)
            for codes, values, length in zip(block.codes, block.scores, lengths, strict=True):
                lists.append(tuple(self.memory.items.decode(codes[:length])))
                scores.append(tuple(values[:length].tolist()))
        kept = [b for b in range(len(names)) if not (unknown == "skip" and self.needs_history and cold[b])]
        return Recommendations(
            tuple(names[b] for b in kept), tuple(lists[b] for b in kept), tuple(scores[b] for b in kept)
        )

    @final
    def score(
        self,
        users: Sequence[Id] | None = None,
        item_ids: Sequence[Id] | None = None,
        *,
        histories: Sequence[History] | None = None,
        features: Sequence[Features] | None = None,
        at: datetime | None = None,
    ) -> FloatArray:
        """Returns the scores [B, n] of items (default all, in code order) for each person, who may be told of
        as in `recommend`.
        """
        names, rows, cold = self._people(users, histories, features=features, at=at)
        if self.needs_history and cold.any():
            cure = "Give histories=[[item ids]] of items that it knows."
            self._refuse(names, cold, by_id=users is not None, cure=cure)
        codes = (
            np.arange(len(self.memory.items), dtype=np.int32)
            if item_ids is None
            else self.item_codes(item_ids)
        )
        return self.score_codes(rows, np.broadcast_to(codes, (len(rows), len(codes))))

    @final
    def save(self, path: Path | str) -> None:
        """Writes the model folder (safetensors, JSON, Parquet): aside first, then in place at once."""
        files.save(self, Path(path))

    @final
    def forget(self, user_ids: Sequence[Id]) -> int:
        """Takes people out of the model and returns how many it knew.

        Their ids, features, histories and their own rows of what was learnt are gone; what training made of
        everybody together (an item's vector) stays until the next `fit`.
        """
        codes = [int(code) for code in self.memory.users.encode(list(user_ids)) if code >= 0]
        for code in codes:
            self._memory = self.memory.without(code)
            self._forget(code)
        return len(codes)

    @property
    def person_features(self) -> dict[str, str]:
        """The features that may be told of a stranger, name → kind; empty where the model reads none."""
        return {column.name: column.kind for column in self._person_columns()}

    @property
    def asks_when(self) -> bool:
        """Whether a list hangs on when somebody asks."""
        return self._reads_request_time()

    @property
    def memory(self) -> Memory:
        """What the model keeps of its training data; `NotFitted` before `fit`."""
        if self._memory is None:
            raise NotFitted(type(self).__name__)
        return self._memory

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in self.config.model_dump(exclude_defaults=True).items())
        return f"{type(self).__name__}({settings})"

    # What evaluation and serving call, in codes ------------------------------------------------------

    @final
    def top_k(
        self,
        histories: Histories,
        *,
        k: int = 10,
        exclude_seen: bool = True,
        unknown: Unknown = "popular",
        allowed: np.ndarray | None = None,
        run: Run | None = None,
    ) -> Iterator[TopBlock]:
        """Yields the lists of all rows in order, block by block, in item codes; memory is bounded.

        `allowed` is bool[I]. Rows without history get the popular items, or nothing for "skip". On a GPU that
        the run names, for models whose scores are one product of matrices.
        """
        depth = list_length(k)
        scorer, this_run = (
            self._scorer(exclude_seen=exclude_seen, unknown=unknown, allowed=allowed),
            run or Run(),
        )
        device, product = accelerator(this_run), self._product()
        if device is None or product is None:
            yield from scorer.top(histories, depth, threads=this_run.threads)
        else:
            yield from scorer.top_on(device, *product, histories, depth)

    @final
    def telling(
        self, histories: Histories, *, features: Sequence[Features] | None = None, at: datetime | None = None
    ) -> Histories:
        """Returns the histories with what a request tells of each person and of when they ask."""
        name, people = type(self).__name__, None
        if features is not None:
            people = told_table(self._person_columns(), features, model=name)
            if len(features) != len(histories):
                raise InvalidValue("features", f"{len(histories)} long, one a person", len(features))
        asked = asking_time(at, len(histories), reads_time=self._reads_request_time(), model=name)
        return replace(histories, people=people, asked=asked)

    @final
    def score_codes(
        self, histories: Histories, item_code_BN: CodeArray, *, run: Run | None = None
    ) -> FloatArray:
        """Returns float32 [B, N]: the scores of N given items for each row (-1 codes give -inf)."""

        def one(start: int, stop: int) -> FloatArray:
            code_BN, some = item_code_BN[start:stop], histories.block(start, stop)
            with enough_memory(f"the scores of {len(some)} people", SCORING_CURE):
                picked = np.array(self._score_some(some, np.maximum(code_BN, 0)), np.float32)
            if self.needs_history:
                cold = some.cold
                picked[cold] = self.memory.popularity[np.maximum(code_BN[cold], 0)]
            return np.where(code_BN >= 0, picked, np.float32(-np.inf))

        rows = block_rows(len(self.memory.items))
        parts = list(in_blocks(one, len(histories), block=rows, threads=(run or Run()).threads))
        return np.concatenate([np.zeros((0, item_code_BN.shape[1]), np.float32), *parts])

    @final
    def item_codes(self, item_ids: Sequence[Id]) -> CodeArray:
        """Returns the code of each item id; raises `UnknownId` for one that the model does not know."""
        ids = [item_ids] if isinstance(item_ids, str | int) else list(item_ids)
        codes = self.memory.items.encode(ids)
        if (codes < 0).any():
            raise UnknownId("item_id", [x for x, code in zip(ids, codes, strict=True) if code < 0])
        return codes

    @final
    def state(self) -> dict[str, np.ndarray]:
        """Returns the fitted arrays by name, as they are saved; `Run.state` takes them to go on."""
        return files.pack(self._state())

    def _scorer(self, *, exclude_seen: bool, unknown: Unknown, allowed: np.ndarray | None) -> Scorer:
        memory = self.memory
        return Scorer(
            score=self._score,
            n_items=len(memory.items),
            popularity=memory.popularity,
            needs_history=self.needs_history,
            unknown=unknown,
            exclude_seen=exclude_seen,
            allowed=allowed,
        )

    def _people(
        self,
        users: Sequence[Id] | None,
        histories: Sequence[History] | None,
        *,
        features: Sequence[Features] | None = None,
        at: datetime | None = None,
    ) -> tuple[list[Id], Histories, np.ndarray]:
        """Returns names, histories and who is cold (nothing known of them)."""
        if users is not None and features is not None:
            cure = "What training knows of its people is in the model."
            raise InvalidValue("features", "given with histories", Shown("users"), cure)
        if (users is None) == (histories is None):
            raise InvalidValue("people", "given as either users or histories", (users, histories))
        if users is not None:
            if isinstance(users, str | int):
                raise InvalidValue("users", "a list of user ids", users, f"Write [{users!r}].")
            rows, _ = self.memory.of_users(users)
            return list(users), self.telling(rows, at=at), rows.lengths == 0
        assert histories is not None
        if isinstance(histories, str | Mapping):
            raise InvalidValue("histories", "a list of histories", histories, "Write [[...]].")
        rows = self.telling(self.memory.of_items(histories), features=features, at=at)
        return list(range(len(rows))), rows, rows.cold

    def _refuse(
        self,
        names: Sequence[Id],
        cold: np.ndarray,
        *,
        by_id: bool,
        cure: str = "Give histories=[[item ids]], or unknown='popular' or 'skip'.",
    ) -> None:
        who = [name for name, is_cold in zip(names, cold, strict=True) if is_cold]
        if by_id:
            raise UnknownId("user_id", who, cure)
        raise UnknownId(f"an item of histories{who[:3]}", ["no known item"], cure)

    def _mask(self, item_ids: Sequence[Id]) -> np.ndarray:
        allowed = np.zeros(len(self.memory.items), bool)
        allowed[self.item_codes(item_ids)] = True
        return allowed


def load(path: Path | str, *, model_class: type[Recommender] | None = None) -> Recommender:
    """Reads a saved model, checksums first; runs no code from the folder.

    A model whose class is not recsmith's own is read only when its class is handed in. Raises
    `ModelFileError` for a folder that is incomplete, altered, too new, or not a model.
    """
    return files.load(Path(path), model_class=model_class)
