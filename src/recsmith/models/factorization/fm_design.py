"""What a factorization machine is told of an event, as relation blocks: who, what, when, and what training
says of both. Rendle, Scaling factorization machines to relational data, VLDB 2013; Rendle, Zhang, Koren, On
the difficulty of evaluating baselines, 2019 (SVD++ and timeSVD++ as feature sets)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field
from scipy import sparse

from recsmith.config import Config
from recsmith.data import Dataset, Feature, Histories
from recsmith.data.feature_space import Encoded, FeatureSpace
from recsmith.errors import InvalidValue, Shown, nearest
from recsmith.models.memory import Memory

_DAY = 86_400_000  # milliseconds
_DRIFT_POWER = 0.4  # Koren's β in dev_u(t) = sign(t − t_u) |t − t_u|^β, t in days

Moment = Literal["day", "hour_of_day", "day_of_week", "user_day", "user_run", "user_drift", "item_period"]
_OF_THE_MOMENT = ("day", "hour_of_day", "day_of_week")
_OF_THE_USER = ("user_day", "user_run", "user_drift")


class FeaturesConfig(Config):
    """Says what the columns of a factorization machine are."""

    user_id: bool = True
    """Whether each user has a column."""
    item_id: bool = True
    """Whether each item has a column."""
    user_features: tuple[str, ...] | None = None
    """Columns of the user table; all declared ones when not given."""
    item_features: tuple[str, ...] | None = None
    """Columns of the item table; all declared ones when not given."""
    numbers: Literal["bucket", "value", "both"] = "bucket"
    """How numbers and times of the tables enter: as a column for each bucket, scaled as they are, or both."""
    n_buckets: int = Field(20, ge=2)
    """Buckets of a number."""
    implicit: tuple[Literal["items", "users"], ...] = ()
    """Whether a user also has the items that they took in training (SVD++), an item the users who took it."""
    time: tuple[Moment, ...] = ()
    """What an event's time tells: the calendar day, the hour, the day of the week; and, as in timeSVD++, the
    user's own day, the user's drift from their mean day, the item's period. Finer than a day: `user_run`,
    which of the user's runs of neighbouring events it falls into (later than all: the last)."""
    run_length: int = Field(8, ge=1)
    """Events of a user's run."""
    n_periods: int = Field(30, ge=2)
    """Periods of equal length that an item's time is cut into."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Holds the rows of one block, CSR over all columns, and the row of each event."""

    matrix: sparse.csr_matrix
    index_n: np.ndarray


@dataclass(frozen=True)
class Group:
    """Names columns `start` to `stop`, which share a prior; `block` counts the blocks."""

    name: str
    block: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Design:
    """Turns (user, item, time) into rows of blocks; learnt from training, kept with the model.

    Blocks in order: users, items, then `moments`, `user × time`, `item × time` where asked for. Each id
    column has one more behind it, for the unknown.
    """

    settings: FeaturesConfig
    memory: Memory
    users: FeatureSpace
    items: FeatureSpace
    newest: int
    """The newest time in training, ms: when something happens whose time is not known."""
    oldest: int
    day_d: np.ndarray
    """The days on which something happened, sorted."""
    user_day_k: np.ndarray
    """user · 2³² + day of each pair in training, sorted."""
    user_run_k: np.ndarray
    """user · 2³² + the second of training in which it began, of each run, sorted."""
    item_period_k: np.ndarray
    """item · 2³² + period of each pair in training, sorted."""

    @classmethod
    def learn(cls, data: Dataset, memory: Memory, settings: FeaturesConfig) -> Design:
        """Returns the design of a training set."""
        events, many = data.interactions, settings.n_buckets
        time = np.zeros(len(events), np.int64) if events.time is None else events.time
        oldest, newest = int(time.min()), int(time.max())
        bare = cls(
            settings,
            memory,
            _space("user", memory.people, data.user_features, settings.user_features, many),
            _space("item", memory.catalogue, data.item_features, settings.item_features, many),
            newest,
            oldest,
            np.unique(time // _DAY),
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
        )
        for side, fields in zip(("user", "item"), bare._fields(), strict=False):
            if not fields:
                cure = f"Set {side}_id = true, or name {side}_features."
                raise InvalidValue(f"the {side}", "given a column", Shown("none"), cure)
        none = bare.user_day_k
        return replace(
            bare,
            user_day_k=np.unique(_pair(events.user, time // _DAY)) if "user_day" in settings.time else none,
            user_run_k=(
                _runs(bare.seconds(events.user, time), settings.run_length)
                if "user_run" in settings.time
                else none
            ),
            item_period_k=(
                np.unique(_pair(events.item, bare.period(time))) if "item_period" in settings.time else none
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns what is no array, as plain values."""
        return {
            "users": self.users.to_dict(),
            "items": self.items.to_dict(),
            "newest": self.newest,
            "oldest": self.oldest,
        }

    @classmethod
    def restored(
        cls,
        settings: FeaturesConfig,
        memory: Memory,
        learned: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
    ) -> Design:
        """Returns the design that `to_dict` and its arrays describe."""
        return cls(
            settings,
            memory,
            FeatureSpace.of_dict(learned["users"]),
            FeatureSpace.of_dict(learned["items"]),
            learned["newest"],
            learned["oldest"],
            arrays["day_d"],
            arrays["user_day_k"],
            arrays["user_run_k"],
            arrays["item_period_k"],
        )

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of columns, in order."""
        found: list[Group] = []
        start = 0
        for block, fields in enumerate(self._fields()):
            for name, width in fields:
                found.append(Group(name, block, start, start + width))
                start += width
        return tuple(found)

    def group(self, name: str) -> Group:
        """Returns the group of a name that is there."""
        return next(group for group in self.groups if group.name == name)

    @property
    def n_columns(self) -> int:
        """P."""
        return self.groups[-1].stop

    def of_users(self, histories: Histories) -> sparse.csr_matrix:
        """Returns the users' block of people: [B, P].

        Strangers have the features that the request tells, else empty ones, and the unknown id; with events,
        none: theirs is yet to be fitted.
        """
        n_known, user, told = len(self.memory.users), histories.user, histories.told
        stranger = np.where(histories.lengths > 0, -1, n_known)
        parts = [_one_hot(np.where(user < 0, stranger, user), n_known + 1)] if self.settings.user_id else []
        for name, found in self._of_people.items():
            column = next(column for column in self.users.columns if column.name == name)
            unknown = np.zeros_like(found.codes[:1])
            codes = np.concatenate([found.codes, unknown])[user]  # −1 is the last
            value = None if found.value is None else np.append(found.value, np.float32(0))[user]
            if histories.people is not None:
                said = column.encode(histories.people[name])
                codes = np.where(told[:, None], said.codes, codes)
                value = said.value if value is None else np.where(told, said.value, value)
            parts += self._columns(column.n_codes, codes, value, several=column.kind in ("multi", "text"))
        if "items" in self.settings.implicit:
            parts.append(_unit_rows(histories.binary(len(self.memory.items))))
        return self._placed(parts, block=0)

    def of_items(self) -> sparse.csr_matrix:
        """Returns the items' block of the catalogue: [I, P]."""
        n_items = len(self.memory.items)
        code = np.where(self.memory.popularity > 0, np.arange(n_items), n_items)
        parts = [_one_hot(code, n_items + 1)] if self.settings.item_id else []
        for column in self.items.columns:
            found = column.encode(self.memory.catalogue[column.name])
            several = column.kind in ("multi", "text")
            parts += self._columns(column.n_codes, found.codes, found.value, several=several)
        if "users" in self.settings.implicit:
            taken_UI = self.memory.histories.binary(n_items)
            parts.append(_unit_rows(taken_UI.T.tocsr()))
        return self._placed(parts, block=1)

    @property
    def reads_time(self) -> bool:
        """Whether an event's time is of any matter."""
        return bool(self.settings.time)

    def of_moments(self, user_n: np.ndarray, mean_day_n: np.ndarray, time_n: np.ndarray) -> list[Rows]:
        """Returns the blocks of (user, time): moments, and user × time.

        `mean_day_n` is the mean of the user's days (see `mean_days`); −1 is a stranger.
        """
        found = []
        settings, day_n = self.settings, time_n // _DAY
        if any(name in settings.time for name in _OF_THE_MOMENT):
            hour_n = (time_n // 3_600_000) if "hour_of_day" in settings.time else day_n
            distinct, index_n = np.unique(hour_n, return_inverse=True)
            day_m = distinct // 24 if "hour_of_day" in settings.time else distinct
            parts = []
            if "day" in settings.time:
                parts.append(_one_hot(_nearest(self.day_d, day_m), len(self.day_d)))
            if "hour_of_day" in settings.time:
                parts.append(_one_hot(distinct % 24, 24))
            if "day_of_week" in settings.time:
                parts.append(_one_hot((day_m + 3) % 7, 7))
            found.append(Rows(self._placed(parts, block=2), index_n))
        if any(name in settings.time for name in _OF_THE_USER):
            key_n = _pair(user_n, day_n)
            run_n = _run_of(self.user_run_k, self.seconds(user_n, time_n))
            each_n = _pair(np.unique(key_n, return_inverse=True)[1], run_n)
            if "user_drift" in settings.time:  # strangers, all of them −1, differ by their mean day
                own_n = np.unique(mean_day_n, return_inverse=True)[1]
                each_n = _pair(np.unique(each_n, return_inverse=True)[1], own_n)
            _, first, index_n = np.unique(each_n, return_index=True, return_inverse=True)
            parts = []
            if "user_day" in settings.time:
                parts.append(_one_hot(_place(self.user_day_k, key_n[first]), len(self.user_day_k) + 1))
            if "user_run" in settings.time:
                parts.append(_one_hot(run_n[first], len(self.user_run_k) + 1))
            if "user_drift" in settings.time:
                away = day_n[first] - mean_day_n[first]
                drift = (np.sign(away) * np.abs(away) ** _DRIFT_POWER).astype(np.float32)
                n_known, user = len(self.memory.users), user_n[first]
                known = _one_hot(np.where(user < 0, n_known, user), n_known + 1)
                parts.append(sparse.csr_matrix(sparse.diags(drift) @ known, dtype=np.float32))
            found.append(Rows(self._placed(parts, block=2 + len(found)), index_n))
        return found

    def of_periods(self, item_n: np.ndarray, time_n: np.ndarray) -> list[Rows]:
        """Returns the block of (item, time), if there is one."""
        if "item_period" not in self.settings.time:
            return []
        key, index_n = np.unique(_pair(item_n, self.period(time_n)), return_inverse=True)
        part = _one_hot(_place(self.item_period_k, key), len(self.item_period_k) + 1)
        return [Rows(self._placed([part], block=len(self._fields()) - 1), index_n)]

    def mean_days(self, histories: Histories) -> np.ndarray:
        """Returns each person's mean day, float64 [B]; the newest day of training where it is not known."""
        mean_B = np.full(len(histories), self.newest / _DAY)
        if histories.time is not None and len(histories.time):
            has = histories.lengths > 0
            day = np.append(histories.time // _DAY, 0).astype(np.float64)
            sums = np.add.reduceat(day, histories.indptr[:-1].clip(max=len(day) - 1))
            mean_B[has] = sums[has] / histories.lengths[has]
        return mean_B

    def seconds(self, user_n: np.ndarray, time_n: np.ndarray) -> np.ndarray:
        """Returns user · 2³² + second of training of each event; the first or last for those outside."""
        return _pair(user_n, np.clip((time_n - self.oldest) // 1000, 0, 2**32 - 1))

    def period(self, time_n: np.ndarray) -> np.ndarray:
        """Returns which of the periods of training each time is in; the first or last for those outside."""
        span = max(self.newest - self.oldest, 1)
        many = self.settings.n_periods
        return np.clip((time_n - self.oldest) * many // (span + 1), 0, many - 1)

    @cached_property
    def _of_people(self) -> dict[str, Encoded]:
        return self.users.encode(self.memory.people)

    def _columns(
        self, n_codes: int, codes_nM: np.ndarray, value_n: np.ndarray | None, *, several: bool
    ) -> list[sparse.csr_matrix]:
        """Returns the columns of a feature: one a code and, for numbers, the scaled number."""
        if several:
            indptr = np.concatenate([[0], np.cumsum((codes_nM > 0).sum(axis=1))])
            code = codes_nM[codes_nM > 0]
            shape = (len(codes_nM), n_codes)
            return [
                _unit_rows(sparse.csr_matrix((np.ones(len(code), np.float32), code, indptr), shape=shape))
            ]
        found = []
        if value_n is None or self.settings.numbers in ("bucket", "both"):
            found.append(_one_hot(codes_nM[:, 0], n_codes))
        if value_n is not None and self.settings.numbers in ("value", "both"):
            found.append(sparse.csr_matrix(value_n[:, None]))
        return found

    def _fields(self) -> list[list[tuple[str, int]]]:
        """Returns the names and widths of the groups of each block."""
        settings = self.settings
        n_users, n_items = len(self.memory.users), len(self.memory.items)
        blocks = []
        for side, has_id, n, space in (
            ("user", settings.user_id, n_users, self.users),
            ("item", settings.item_id, n_items, self.items),
        ):
            fields = [(f"{side} id", n + 1)] if has_id else []
            for column in space.columns:
                if not column.has_value or settings.numbers in ("bucket", "both"):
                    fields.append((f"{side} {column.name}", column.n_codes))
                if column.has_value and settings.numbers in ("value", "both"):
                    fields.append((f"{side} {column.name} (value)", 1))
            if side == "user" and "items" in settings.implicit:
                fields.append(("user took", n_items))
            if side == "item" and "users" in settings.implicit:
                fields.append(("item taken by", n_users))
            blocks.append(fields)
        widths = {"day": len(self.day_d), "hour_of_day": 24, "day_of_week": 7}
        widths |= {"user_day": len(self.user_day_k) + 1, "user_run": len(self.user_run_k) + 1}
        widths |= {"user_drift": n_users + 1, "item_period": len(self.item_period_k) + 1}
        for names in (_OF_THE_MOMENT, _OF_THE_USER, ("item_period",)):
            fields = [(name, widths[name]) for name in names if name in settings.time]
            if fields:
                blocks.append(fields)
        return blocks

    def _placed(self, parts: Sequence[sparse.csr_matrix], *, block: int) -> sparse.csr_matrix:
        """Returns the parts of a block side by side, at their place among all columns."""
        start = next((group.start for group in self.groups if group.block == block), 0)
        wide = sparse.csr_matrix(sparse.hstack(parts, format="csr", dtype=np.float32))
        shape = (wide.shape[0], self.n_columns)
        return sparse.csr_matrix((wide.data, wide.indices + start, wide.indptr), shape=shape)


def _space(
    side: str,
    table: pl.DataFrame,
    declared: tuple[Feature, ...],
    names: tuple[str, ...] | None,
    n_buckets: int,
) -> FeatureSpace:
    """Returns the space of the features asked for; a name that was not declared is a category.

    Refuses a name that is no column, and numbers and times of which no cell is one.
    """
    known = {feature.name: feature for feature in declared}
    wanted = tuple(known) if names is None else names
    chosen = [known.get(name, Feature(name, "categorical")) for name in wanted]
    for feature in chosen:
        if feature.name not in table.columns:
            cure = nearest(feature.name, table.columns) or f"There are: {', '.join(table.columns)}."
            raise InvalidValue(f"{side}_features", f"columns of the {side} table", feature.name, cure)
        filled = table[feature.name].drop_nulls()
        if feature.kind in ("number", "time") and len(filled) and not _has_numbers(filled):
            got = Shown(f"{feature.name}, where {str(filled[0])!r} stands")
            cure = f"Declare {feature.name} categorical, multi or text."
            raise InvalidValue(f"{side}_features", f"of their kind, here {feature.kind}", got, cure)
    return FeatureSpace.fit(table, chosen, n_buckets=n_buckets)


def _has_numbers(cells: pl.Series) -> bool:
    if cells.dtype.is_numeric() or cells.dtype.is_temporal() or cells.dtype == pl.Boolean:
        return True
    return not cells.dtype.is_nested() and cells.cast(pl.Float64, strict=False).is_not_null().any()


def _one_hot(code_n: np.ndarray, width: int) -> sparse.csr_matrix:
    """Returns a one at each code; a row without one for −1."""
    there = code_n >= 0
    code = np.asarray(code_n, np.int32)[there]
    indptr = np.concatenate([[0], np.cumsum(there)])
    return sparse.csr_matrix((np.ones(len(code), np.float32), code, indptr), shape=(len(code_n), width))


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Returns ones of n entries as 1/√n: rows of length 1."""
    n_row = np.repeat(np.diff(matrix.indptr), np.diff(matrix.indptr))
    data = (1 / np.sqrt(np.maximum(n_row, 1))).astype(np.float32)
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _pair(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first.astype(np.int64) * 2**32 + second


def _runs(key_n: np.ndarray, length: int) -> np.ndarray:
    """Returns where each user's runs of `length` events begin, sorted; events of one second stay together."""
    key_n = np.sort(key_n)
    user_n = key_n >> 32
    place_n = np.arange(len(key_n)) - np.searchsorted(user_n, user_n)
    return np.unique(key_n[place_n % length == 0])


def _run_of(sorted_k: np.ndarray, key_n: np.ndarray) -> np.ndarray:
    """Returns the place of the user's last run begun by then, else their first; the length for nobody's."""
    place_n = np.searchsorted(sorted_k, key_n, side="right") - 1
    user_k = np.append(sorted_k >> 32, -2)  # -2: no user, and no stranger
    place_n += user_k[place_n] != key_n >> 32
    return np.where(user_k[place_n] == key_n >> 32, place_n, len(sorted_k))


def _place(sorted_k: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns where each wanted number is; the length for one that is not there."""
    if not len(sorted_k):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(sorted_k, wanted), len(sorted_k) - 1)
    return np.where(sorted_k[place] == wanted, place, len(sorted_k))


def _nearest(sorted_d: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns the place of the number nearest to each wanted one, the earlier of two."""
    right = np.clip(np.searchsorted(sorted_d, wanted), 1, max(len(sorted_d) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(sorted_d) - 1)
    return np.where(wanted - sorted_d[left] <= sorted_d[right] - wanted, left, right)
