"""Small data and models with known answers for the tests of evaluation, as fixtures that make them."""

from types import SimpleNamespace

import numpy as np
import pytest

from recsmith.config import Config
from recsmith.data import Dataset, Interactions, Split, Vocabulary
from recsmith.models.base import Recommender
from recsmith.models.capabilities import PredictsRatings


class NoConfig(Config):
    """No settings."""


class Fixed(Recommender):
    """Scores users from a table that a test sets, `given_UI`; strangers get its first row."""

    Config = NoConfig
    state_names = ("given_UI",)
    given_UI: np.ndarray

    def _fit(self, data, run):
        self.given_UI = np.zeros((data.n_users, data.n_items), np.float32)

    def _score(self, histories):
        return self.given_UI[np.maximum(histories.user, 0)].copy()


class FixedRatings(PredictsRatings, Fixed):
    """Predicts what it scores."""

    def _predict(self, histories, row_n, item_n):
        return self.given_UI[np.maximum(histories.user, 0)[row_n], item_n]


def fixed(split, given_UI, *, ratings=False):
    """A fitted model that scores as given, and predicts so with `ratings`."""
    model = (FixedRatings if ratings else Fixed)().fit(split.train)
    model.given_UI = np.asarray(given_UI, np.float32)
    return model


def dataset(rows, n_users, n_items):
    """A data set from (user, item, weight, time) rows; the codes are the ids."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    user, item = table[:, 0].astype(int), table[:, 1].astype(int)
    events = Interactions.from_arrays(user, item, table[:, 2], table[:, 3].astype(np.int64))
    return Dataset(events, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)), feedback="ratings")


def split_of(train, test, n_users, n_items, **more):
    """A split from rows of (user, item, weight, time)."""
    held = dataset(test, n_users, n_items).interactions
    return Split(train=dataset(train, n_users, n_items), test=held, rule="By hand.", **more)


def random_split(*, n_users=70, n_items=40, seed=0):
    """A split with up to 4 test events a user, ratings 1 to 5; and scores for everybody."""
    rng = np.random.default_rng(seed)
    train, test = [], []
    for user in range(n_users):
        items = rng.permutation(n_items)[: rng.integers(5, 13)]
        n_test = int(rng.integers(0, 5))
        for place, item in enumerate(items):
            (test if place < n_test else train).append((user, item, rng.integers(1, 6), place))
    return split_of(train, test, n_users, n_items), rng.random((n_users, n_items)).astype(np.float32)


@pytest.fixture
def make():
    """The makers above by name."""
    return SimpleNamespace(fixed=fixed, dataset=dataset, split_of=split_of, random_split=random_split)
