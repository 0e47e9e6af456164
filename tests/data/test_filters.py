"""Filters: each against a plain second implementation, and what each says it took out."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data.door import read_frame
from recsmith.data.features import add_item_table
from recsmith.data.filters import date_range, k_core, min_interactions, min_rating
from recsmith.errors import DataError, InvalidValue

DAY = 86_400
LOG = pl.DataFrame(
    {
        "user": ["a", "a", "b", "b", "c"],
        "item": [1, 2, 1, 2, 3],
        "rating": [5.0, 3.0, 4.0, 2.0, 1.0],
        "time": [10**9 + day * DAY for day in range(5)],
    }
)


@pytest.fixture
def data():
    items = pl.DataFrame({"item_id": [1, 2, 3, 4], "name": ["one", "two", "three", "four"]})
    return add_item_table(read_frame(LOG), items, title="name")


def pairs(data):
    events = data.interactions
    return list(zip(data.users.decode(events.user), data.items.decode(events.item), strict=True))


def test_min_rating_keeps_the_catalogue_and_lets_empty_users_go(data):
    kept = min_rating(data, rating=3)
    assert pairs(kept) == [("a", 1), ("a", 2), ("b", 1)]
    assert kept.users.ids.to_list() == ["a", "b"]
    assert kept.items == data.items
    said = "min_rating 3 took out 2 interactions, 1 users, 0 items; 3 interactions stay"
    assert kept.notes.steps[-1] == said


def test_date_range_has_its_first_day_and_not_its_last(data):
    kept = date_range(data, since="2001-09-10T01:46:40", until="2001-09-12T01:46:40+00:00")
    assert pairs(kept) == [("a", 2), ("b", 1)]
    with pytest.raises(InvalidValue, match="since must be a date or time such as 2018-01-01"):
        date_range(data, since="yesterday")
    with pytest.raises(InvalidValue, match="date_range must be given since, until or both"):
        date_range(data)
    with pytest.raises(DataError, match="date_range must have times to go by"):
        date_range(read_frame(LOG.drop("time")), since="2001-01-01")


def test_min_interactions_is_one_pass(data):
    kept = min_interactions(data, per_item=2)
    assert pairs(kept) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert kept.items.ids.to_list() == [1, 2]
    assert kept.titles().to_list() == ["one", "two"]
    only_users = min_interactions(data, per_user=2)
    assert only_users.items == data.items
    with pytest.raises(InvalidValue, match="per_user must be 1 or more. Got 0"):
        min_interactions(data, per_user=0)
    with pytest.raises(InvalidValue, match="min_interactions must be given"):
        min_interactions(data)


def test_a_filter_that_leaves_nothing_says_so(data):
    with pytest.raises(DataError, match="min_rating 9 must leave at least one interaction. Got none of 5"):
        min_rating(data, rating=9)
    with pytest.raises(DataError, match="k_core 3"):
        k_core(data, k=3)
    with pytest.raises(InvalidValue, match="k_core must be given either k or"):
        k_core(data)


EVENTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=45, unique=True)


@given(EVENTS, st.integers(1, 3), st.integers(1, 3))
def test_one_pass_and_core_against_plain_counting(events, per_user, per_item):
    data = read_frame(pl.DataFrame(events, schema=["user", "item"], orient="row"))
    once = passed(events, per_user, per_item)
    core = set(events)
    while (smaller := passed(core, per_user, per_item)) != core:
        core = smaller
    for expected, work in (
        (once, lambda: min_interactions(data, per_user=per_user, per_item=per_item)),
        (core, lambda: k_core(data, per_user=per_user, per_item=per_item)),
    ):
        if not expected:
            with pytest.raises(DataError):
                work()
            continue
        kept = work()
        assert set(pairs(kept)) == expected
        assert set(kept.users.ids) == {user for user, _ in expected}
    if core:
        kept = k_core(data, per_user=per_user, per_item=per_item)
        assert set(kept.items.ids) == {item for _, item in core}
        assert (kept.interactions.sorted() is kept.interactions) or len(kept) < 2


def passed(events, per_user, per_item):
    users, items = Counter(user for user, _ in events), Counter(item for _, item in events)
    return {(user, item) for user, item in events if users[user] >= per_user and items[item] >= per_item}
