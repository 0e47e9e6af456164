"""What the tests of iterative factor models share: stop, go on, and compare bit for bit."""

from __future__ import annotations

import signal
from collections.abc import Callable

import numpy as np

from recsmith import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.models import Recommender

Make = Callable[[], Recommender]


def dataset(matrix_UI: np.ndarray, *, feedback="ratings") -> Dataset:
    """Gives the stored (non-NaN) cells of a matrix as a log."""
    user, item = np.nonzero(~np.isnan(matrix_UI))
    events = Interactions.from_arrays(user, item, matrix_UI[user, item])
    n_users, n_items = matrix_UI.shape
    return Dataset(events, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)), feedback=feedback)


def ratings(seed: int, *, n_users=12, n_items=9, density=0.5) -> np.ndarray:
    """Draws ratings 1 to 5; every user and item has one at least."""
    rng = np.random.default_rng(seed)
    matrix_UI = np.where(
        rng.random((n_users, n_items)) < density, rng.integers(1, 6, (n_users, n_items)), np.nan
    )
    for u in range(max(n_users, n_items)):
        matrix_UI[u % n_users, u % n_items] = rng.integers(1, 6)
    return matrix_UI


def assert_same_state(one: Recommender, other: Recommender) -> None:
    mine, theirs = one.state(), other.state()
    assert set(mine) == set(theirs)
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def check_going_on(make: Make, data: Dataset, *, after: int) -> None:
    """Asserts that a fit stopped by Ctrl-C keeps what is done, and that going on ends at the same bits."""
    whole = make().fit(data, run=Run(seed=3))

    def press_ctrl_c(done: int) -> None:
        if done == after:
            signal.raise_signal(signal.SIGINT)

    first = Run(seed=3, on_epoch=press_ctrl_c)
    part = make().fit(data, run=first)
    assert first.interrupted and len(part.learning_curve) <= after + 1 < len(whole.learning_curve)
    assert all(np.isfinite(scores).all() for scores in part.recommend([data.users.decode([0])[0]]).scores)
    done = len(part.learning_curve)
    before = {name: array.copy() for name, array in part.state().items()}
    gone_on = make().fit(data, run=Run(seed=3, start_epoch=done, state=part.state()))
    assert_same_state(gone_on, whole)
    for name, array in part.state().items():  # what is handed in stays as it was
        np.testing.assert_array_equal(array, before[name])


def check_threads_and_seed(make: Make, data: Dataset) -> None:
    """Asserts that threads change no bit, and that the seed changes some."""
    one = make().fit(data, run=Run(seed=1, n_threads=1))
    assert_same_state(one, make().fit(data, run=Run(seed=1, n_threads=3)))
    other = make().fit(data, run=Run(seed=2, n_threads=1)).state()
    assert any((array != other[name]).any() for name, array in one.state().items())
