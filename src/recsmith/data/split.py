"""Splits: which events a model learns from and which it is judged on, with one vocabulary and no leak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from scipy import sparse

from recsmith.data.dataset import Dataset
from recsmith.data.histories import Histories
from recsmith.data.instant import milliseconds
from recsmith.data.interactions import Interactions
from recsmith.data.recode import recode
from recsmith.errors import InvalidValue
from recsmith.rng import generator


@dataclass(frozen=True, eq=False)
class Split:
    """Holds train and test in the same vocabularies.

    `fold_in` (only for held-out users) is what the model may see of them at evaluation. `rule` says in a
    sentence how the split was made. A validation split is a split of `train`.
    """

    train: Dataset
    test: Interactions
    rule: str
    fold_in: Interactions | None = None
    chronological: bool = False
    """True when no training event of a test user is later than their test events."""

    def test_users(self) -> np.ndarray:
        """Returns the int32 codes of users with a test event, ascending."""
        return np.unique(self.test.user)

    def visible(self, user_codes: np.ndarray | None = None) -> Histories:
        """Returns what a model may see of each test user: a row for each, in `test_users` order.

        Held-out users come as strangers (user -1) with their fold-in events.
        """
        codes = self.test_users() if user_codes is None else np.asarray(user_codes)
        if self.fold_in is None:
            return self.train.histories(codes)
        return self.train.with_interactions(self.fold_in).histories(codes).as_strangers()

    def relevant(self, user_codes: np.ndarray | None = None) -> sparse.csr_matrix:
        """Returns the test weights as float32 [n_test_users, I]; explicit zeros are kept as entries."""
        codes = self.test_users() if user_codes is None else np.asarray(user_codes)
        return self.train.with_interactions(self.test).histories(codes).matrix(self.train.n_items)


def leave_last_out(data: Dataset, *, n: int = 1) -> Split:
    """Keeps each user's last `n` events for the test; users with n events or fewer stay in train whole.

    The order is (time, row in the source), stable, so equal times are no matter.
    """
    _at_least_one("n", n)
    events = data.interactions
    indptr = events.indptr(data.n_users)
    position = np.arange(len(events)) - indptr[events.user]
    length = np.diff(indptr)[events.user]
    is_test = (length > n) & (position >= length - n)
    last = "last event" if n == 1 else f"last {n} events"
    return _divide(
        data, is_test, f"Leave last out: the {last} of each user with more than {n}.", chronological=True
    )


def by_time(data: Dataset, *, at: str | datetime | None = None, fraction: float | None = None) -> Split:
    """Keeps everything from an instant on for the test: `at`, or the last `fraction` of all events.

    Events at the very instant go to the test, so no time is on both sides.
    """
    events = data.interactions
    if events.time is None:
        raise InvalidValue("by_time data", "a log with times", data.name, "Name the time column.")
    if (at is None) == (fraction is None):
        raise InvalidValue("by_time", "given either `at` or `fraction`", (at, fraction))
    if fraction is not None:
        _fraction("fraction", fraction)
        ordered = np.sort(events.time)
        instant = (
            int(ordered[min(len(ordered) - 1, round(len(ordered) * (1 - fraction)))]) if len(ordered) else 0
        )
    else:
        instant = milliseconds("at", at)
    when = _said(instant)
    return _divide(
        data, events.time >= instant, f"By time: events from {when} on are the test.", chronological=True
    )


def random_holdout(data: Dataset, *, fraction: float = 0.2, per_user: bool = False, seed: int = 0) -> Split:
    """Keeps a random `fraction` of all events for the test, or of each user's events when `per_user`.

    With `per_user`, a user of n events gives floor(n · fraction) of them, so that nobody is left without
    training events.
    """
    _fraction("fraction", fraction)
    events = data.interactions
    draw = generator(seed, "random_holdout").random(len(events))
    if per_user:
        order = np.lexsort((draw, events.user))
        indptr = events.indptr(data.n_users)
        rank = np.empty(len(events), np.int64)
        rank[order] = np.arange(len(events)) - indptr[events.user[order]]
        is_test = rank < np.floor(np.diff(indptr) * fraction + 1e-9).astype(np.int64)[events.user]
    else:
        is_test = np.ones(len(events), bool)
        n_test = round(len(events) * fraction)
        if n_test < len(events):
            is_test[np.argpartition(draw, n_test)[n_test:]] = False
    of = "of each user's events" if per_user else "of all events"
    return _divide(data, is_test, f"Random holdout: {fraction:.0%} {of} (seed {seed}).")


def hold_out_users(data: Dataset, *, fraction: float = 0.2, test_part: float = 0.2, seed: int = 0) -> Split:
    """Holds out a `fraction` of users whole: the model never sees them in training.

    Of each held-out user the last `test_part` of the events (at least one) is the test and the rest is
    the fold-in history. Users with one event stay in train. Strong generalisation (Liang et al. 2018).
    """
    _fraction("fraction", fraction)
    _fraction("test_part", test_part)
    events = data.interactions
    indptr = events.indptr(data.n_users)
    lengths = np.diff(indptr)
    able = np.flatnonzero(lengths > 1)
    n_held = round(len(able) * fraction)
    held = np.zeros(data.n_users, bool)
    held[generator(seed, "hold_out_users").permutation(able)[:n_held]] = True
    n_test = np.clip(np.floor(lengths * test_part), 1, None).astype(np.int64)
    position = np.arange(len(events)) - indptr[events.user]
    is_held = held[events.user]
    is_test = is_held & (position >= (lengths - n_test)[events.user])
    rule = (
        f"Hold out users: {n_held} users ({fraction:.0%}) are unseen in training (seed {seed}); the last "
        f"{test_part:.0%} of their events is the test, the rest is folded in."
    )
    return Split(
        train=data.with_interactions(events.select(~is_held)),
        test=events.select(is_test),
        fold_in=events.select(is_held & ~is_test),
        rule=rule,
        chronological=True,
    )


def k_fold(data: Dataset, *, n: int = 5, seed: int = 0) -> list[Split]:
    """Returns n splits whose tests are disjoint and together are all events, shuffled by the seed."""
    fold_n = _folds(data, n, seed)
    return [_one_fold(data, fold_n, number, n, seed) for number in range(n)]


def one_fold(data: Dataset, *, fold: int = 1, n: int = 5, seed: int = 0) -> Split:
    """Returns one of the splits of `k_fold`, counted from 1, without making the others."""
    fold_n = _folds(data, n, seed)
    if isinstance(fold, bool) or not isinstance(fold, int | np.integer) or not 1 <= fold <= n:
        raise InvalidValue("fold", f"between 1 and {n}", fold)
    return _one_fold(data, fold_n, int(fold) - 1, n, seed)


def _folds(data: Dataset, n: int, seed: int) -> np.ndarray:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 2 or n > max(2, len(data)):
        raise InvalidValue("n", f"a whole number between 2 and the number of events ({len(data)})", n)
    return (np.arange(len(data)) % n)[generator(seed, "k_fold").permutation(len(data))]


def _one_fold(data: Dataset, fold_n: np.ndarray, number: int, n: int, seed: int) -> Split:
    return _divide(data, fold_n == number, f"Fold {number + 1} of {n} of all events (seed {seed}).")


def given(train: Dataset, test: Dataset, *, rule: str = "Given train and test files.") -> Split:
    """Returns the publisher's own split; vocabularies and tables are extended by what only the test has."""
    users = train.users.extend(test.users.ids)
    items = train.items.extend(test.items.ids)
    wide, other = recode(train, users=users, items=items), recode(test, users=users, items=items)
    whole = replace(
        wide,
        item_table=_rows_of_both(wide.item_table, other.item_table, train.n_items),
        user_table=_rows_of_both(wide.user_table, other.user_table, train.n_users),
        item_features=wide.item_features or (other.item_features if wide.item_table is None else ()),
        user_features=wide.user_features or (other.user_features if wide.user_table is None else ()),
    )
    return Split(train=whole, test=other.interactions, rule=rule)


def _rows_of_both(train: pl.DataFrame | None, test: pl.DataFrame | None, n_train: int) -> pl.DataFrame | None:
    """Returns the first n rows of train's table, then those of test's, in train's columns."""
    if train is None or test is None or n_train == len(train):
        return test if train is None else train
    shared = [
        name
        for name, dtype in train.schema.items()
        if name in test.columns and (test.schema[name] == dtype or not dtype.is_nested())
    ]
    return pl.concat([train[:n_train], test[n_train:].select(shared)], how="diagonal_relaxed")


def _divide(data: Dataset, is_test: np.ndarray, rule: str, *, chronological: bool = False) -> Split:
    events = data.interactions
    train = data.with_interactions(events.select(~is_test))
    return Split(train=train, test=events.select(is_test), rule=rule, chronological=chronological)


def _fraction(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InvalidValue(name, "between 0 and 1, both excluded", value)


def _at_least_one(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidValue(name, "a whole number, 1 or more", value)


def _said(instant: int) -> str:
    """Returns an instant as a person writes it; bare milliseconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(instant / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{instant} ms since 1970"
