"""The smallest logs through every split: one user, one item, users with nothing to hold out."""

import polars as pl
import pytest

from recsmith.data import by_time, hold_out_users, leave_last_out, random_holdout
from recsmith.data.door import read_frame

LOGS = {
    "one user": {"user": [1] * 5, "item": [1, 2, 3, 4, 5]},
    "one item": {"user": [1, 2, 3, 4, 5], "item": [1] * 5},
    "one event": {"user": [1], "item": [1]},
    "users of one event beside one of three": {"user": [1, 2, 2, 2, 3], "item": [1, 1, 2, 3, 2]},
}
SPLITS = {
    "leave_last_out": leave_last_out,
    "by_time": lambda data: by_time(data, fraction=0.4),
    "random_holdout": lambda data: random_holdout(data, fraction=0.4),
    "per user": lambda data: random_holdout(data, fraction=0.4, per_user=True),
    "hold_out_users": lambda data: hold_out_users(data, fraction=0.5),
}


@pytest.fixture(params=LOGS, ids=list(LOGS))
def data(request):
    log = pl.DataFrame(LOGS[request.param])
    return read_frame(log.with_columns(time=10**9 + pl.int_range(pl.len())))


@pytest.mark.parametrize("split", SPLITS.values(), ids=list(SPLITS))
def test_nothing_is_lost_and_nobody_is_judged_without_a_test_event(data, split):
    made = split(data)
    folded = made.fold_in if made.fold_in is not None else made.test.select(slice(0, 0))
    parts = (made.train.interactions, made.test, folded)
    pairs = sorted((u, i) for part in parts for u, i in zip(part.user.tolist(), part.item.tolist()))
    events = data.interactions
    assert pairs == sorted(zip(events.user.tolist(), events.item.tolist(), strict=True))
    users = made.test_users()
    assert set(users.tolist()) == set(made.test.user.tolist())
    assert len(made.visible()) == len(users) == made.relevant().shape[0]
    assert made.relevant().nnz == len(made.test)


def test_users_of_one_event_stay_in_train():
    data = read_frame(pl.DataFrame(LOGS["users of one event beside one of three"]))
    split = leave_last_out(data)
    assert data.users.decode(split.test_users()) == [2]
    assert data.users.decode(split.train.interactions.user) == [1, 2, 2, 3]
