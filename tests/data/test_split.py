"""Splits: nothing lost, nothing leaked, each rule as it says."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data import (
    Dataset,
    Feature,
    Interactions,
    Vocabulary,
    by_time,
    hold_out_users,
    k_fold,
    leave_last_out,
    random_holdout,
)
from recsmith.data import given as given_split
from recsmith.data.split import one_fold
from recsmith.errors import InvalidValue
from recsmith.testing import toy

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 4)), min_size=1, max_size=60)


def made(events, n_users=6, n_items=9):
    user, item, time = (np.array(column) for column in zip(*events, strict=True))
    log = Interactions.from_arrays(user, item, np.arange(1, len(events) + 1), time * 1000)
    return Dataset(log, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)))


def rows(*parts):
    return Counter(
        row
        for part in parts
        if part is not None
        for row in zip(
            part.user.tolist(), part.item.tolist(), part.weight.tolist(), part.time.tolist(), strict=True
        )
    )


SPLITS = {
    "leave_last_out": lambda data: leave_last_out(data),
    "leave_last_2": lambda data: leave_last_out(data, n=2),
    "by_time fraction": lambda data: by_time(data, fraction=0.3),
    "by_time at": lambda data: by_time(data, at="1970-01-01T00:00:02"),
    "random": lambda data: random_holdout(data, fraction=0.3),
    "random per user": lambda data: random_holdout(data, fraction=0.3, per_user=True),
    "hold out users": lambda data: hold_out_users(data, fraction=0.5),
}


@pytest.mark.parametrize("rule", SPLITS)
@given(events=EVENTS)
def test_nothing_is_lost_or_doubled(rule, events):
    data = made(events)
    split = SPLITS[rule](data)
    assert rows(split.train.interactions, split.test, split.fold_in) == rows(data.interactions)
    assert split.train.items is data.items and split.train.users is data.users, "one vocabulary"
    assert split.rule.endswith(".")
    assert len(split.rule) > 20


@given(EVENTS)
def test_last_out_is_the_last_by_time_then_row(events):
    data = made(events)
    split = leave_last_out(data)
    for user in range(6):
        timeline = sorted((t, row) for row, (u, _, t) in enumerate(events) if u == user)
        kept = split.test.weight[split.test.user == user].tolist()
        assert kept == ([timeline[-1][1] + 1] if len(timeline) > 1 else [])


@given(EVENTS)
def test_by_time_has_no_instant_on_both_sides(events):
    split = by_time(made(events), fraction=0.25)
    train, test = split.train.interactions.time, split.test.time
    assert not len(train) or not len(test) or train.max() < test.min()


@given(EVENTS)
def test_random_per_user_leaves_everybody_a_training_event(events):
    data = made(events)
    split = random_holdout(data, fraction=0.5, per_user=True)
    assert set(split.train.interactions.user) == set(data.interactions.user)
    for user, n in Counter(data.interactions.user.tolist()).items():
        assert (split.test.user == user).sum() == n // 2


def test_random_holdout_takes_the_fraction_and_obeys_the_seed():
    data = toy.tastes()
    one, two, other = (random_holdout(data, fraction=0.25, seed=seed) for seed in (1, 1, 2))
    assert len(one.test) == round(len(data) * 0.25)
    assert rows(one.test) == rows(two.test) != rows(other.test)


@given(EVENTS)
def test_held_out_users_are_strangers(events):
    split = hold_out_users(made(events), fraction=0.5)
    assert not set(split.train.interactions.user) & set(split.test.user)
    visible = split.visible()
    assert (visible.user == -1).all()
    assert (visible.lengths >= 1).all(), "each has something to fold in"
    if len(split.test):
        assert split.fold_in.time.max(initial=0) >= 0
        for user in split.test_users():
            folded = split.fold_in.time[split.fold_in.user == user]
            assert folded.max() <= split.test.time[split.test.user == user].min(), "the past is folded in"


def test_k_fold_covers_everything_once():
    data = toy.tastes()
    folds = k_fold(data, n=5, seed=3)
    assert sum((rows(fold.test) for fold in folds), Counter()) == rows(data.interactions)
    assert {len(fold.test) for fold in folds} <= {len(data) // 5, len(data) // 5 + 1}


def test_given_files_share_one_wider_vocabulary():
    train = toy.ratings({"a": {"x": 1.0, "y": 2.0}, "b": {"y": 3.0}})
    test = toy.ratings({"b": {"z": 4.0}, "c": {"x": 5.0}})
    split = given_split(train, test)
    assert split.train.users.ids.to_list() == ["a", "b", "c"]
    assert split.train.items.ids.to_list() == ["x", "y", "z"]
    assert split.train.matrix().toarray().tolist() == [[1, 2, 0], [0, 3, 0], [0, 0, 0]]
    assert split.relevant().toarray().tolist() == [[0, 0, 4], [5, 0, 0]]
    assert split.visible().lengths.tolist() == [1, 0]


def test_given_files_keep_both_tables():
    train = toy.ratings({"a": {"x": 1.0, "y": 2.0}})
    test = toy.ratings({"c": {"x": 5.0, "z": 4.0}})
    told = replace(
        train,
        item_table=pl.DataFrame({"item_id": ["x", "y"], "title": ["X", "Y"], "genres": [["g"], ["h"]]}),
        item_features=(Feature("genres", "multi"),),
    )
    other = pl.DataFrame(
        {"item_id": ["x", "z"], "year": [1, 2], "genres": [["no"], ["k"]], "title": ["?", "Z"]}
    )
    split = given_split(told, replace(test, item_table=other))
    assert split.train.item_table.to_dicts() == [
        {"item_id": "x", "title": "X", "genres": ["g"]},
        {"item_id": "y", "title": "Y", "genres": ["h"]},
        {"item_id": "z", "title": "Z", "genres": ["k"]},
    ]
    assert split.train.item_features == told.item_features
    bare = given_split(train, replace(test, item_table=other, item_features=told.item_features)).train
    assert bare.item_table["title"].to_list() == ["?", None, "Z"]
    assert bare.item_features == told.item_features


def test_one_fold_is_that_of_k_fold():
    data = toy.tastes()
    for number, fold in enumerate(k_fold(data, n=3, seed=4), 1):
        alone = one_fold(data, fold=number, n=3, seed=4)
        assert alone.rule == fold.rule
        assert rows(alone.test) == rows(fold.test)
        assert rows(alone.train.interactions) == rows(fold.train.interactions)
    with pytest.raises(InvalidValue, match="fold must be between 1 and 3. Got 4"):
        one_fold(data, fold=4, n=3)


def test_rows_of_visible_and_relevant_run_in_parallel():
    data = toy.tastes()
    split = leave_last_out(data)
    users = split.test_users()
    visible, relevant = split.visible(), split.relevant()
    assert (visible.user == users).all()
    assert relevant.shape == (len(users), data.n_items)
    assert (relevant.getnnz(axis=1) == 1).all()
    for row, user in enumerate(users[:5]):
        whole = data.histories(np.array([user])).item.tolist()
        assert visible.block(row, row + 1).item.tolist() == whole[:-1]
        assert relevant[row].indices.tolist() == whole[-1:]


def test_by_time_says_instants_that_no_calendar_reaches():
    data = made([(0, 1, 0), (0, 2, 1)])
    log = data.interactions
    far = Interactions(log.user, log.item, log.weight, log.time + 10**15)
    split = by_time(data.with_interactions(far), fraction=0.5)
    assert split.rule == "By time: events from 1000000000001000 ms since 1970 on are the test."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: leave_last_out(d, n=0), "n must be a whole number, 1 or more. Got 0"),
        (lambda d: leave_last_out(d, n=1.5), "n must be a whole number, 1 or more. Got 1.5"),
        (
            lambda d: random_holdout(d, fraction=1.0),
            "fraction must be between 0 and 1, both excluded. Got 1.0",
        ),
        (lambda d: k_fold(d, n=1), "n must be a whole number between 2 and the number of events"),
        (lambda d: k_fold(d, n=2.5), "n must be a whole number between 2 and the number of events"),
        (lambda d: random_holdout(d, seed=-1), "seed must be a whole number, 0 or more. Got -1"),
        (lambda d: by_time(d, at="soon"), "at must be a date or time such as 2018-01-01"),
        (lambda d: by_time(d), "by_time must be given either `at` or `fraction`"),
        (lambda d: by_time(toy_without_times(), fraction=0.1), "by_time data must be a log with times"),
    ],
)
def test_wrong_calls(call, message):
    with pytest.raises(InvalidValue, match=message):
        call(toy.tastes())


def toy_without_times():
    data = toy.tastes()
    log = data.interactions
    return data.with_interactions(Interactions(log.user, log.item, log.weight))
