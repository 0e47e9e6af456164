"""Repeated events: each rule against a plain second implementation."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data.door import read_frame
from recsmith.errors import DataError, InvalidValue

FRAME = pl.DataFrame(
    {
        "user": ["a", "a", "a", "b"],
        "item": ["x", "x", "y", "x"],
        "rating": [1.0, 4.0, 3.0, 5.0],
        "time": [2_000_000_000, 1_000_000_000, 1_500_000_000, 1_000_000_000],
    }
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("keep_last", [("a", "y", 3.0), ("a", "x", 1.0), ("b", "x", 5.0)]),
        ("keep_first", [("a", "x", 4.0), ("a", "y", 3.0), ("b", "x", 5.0)]),
        ("sum", [("a", "y", 3.0), ("a", "x", 5.0), ("b", "x", 5.0)]),
        ("keep_all", [("a", "x", 4.0), ("a", "y", 3.0), ("a", "x", 1.0), ("b", "x", 5.0)]),
    ],
)
def test_last_and_first_go_by_time_not_by_row(rule, expected):
    data = read_frame(FRAME, duplicates=rule)
    assert triples(data) == expected
    assert data.notes.duplicates == 1
    assert data.notes.duplicates_rule != ""


def test_error_names_a_repeated_pair():
    with pytest.raises(DataError, match="Got 1 repeated, such as user 'a' and item 'x'"):
        read_frame(FRAME, duplicates="error")


def test_a_log_without_repeats_says_so():
    data = read_frame(FRAME.tail(2), duplicates="error")
    assert data.notes.duplicates == 0
    assert data.notes.duplicates_rule == "none found (error)"


def test_an_unknown_rule_is_refused():
    with pytest.raises(
        InvalidValue, match="duplicates must be one of keep_last, keep_first, sum, error, keep_all"
    ):
        read_frame(FRAME, duplicates="drop")


EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5), st.integers(10**9, 10**9 + 3)),
    min_size=1,
    max_size=40,
)


@given(EVENTS, st.sampled_from(["keep_last", "keep_first", "sum"]))
def test_rules_against_dictionaries(events, rule):
    frame = pl.DataFrame(events, schema=["user", "item", "rating", "time"], orient="row")
    data = read_frame(frame, duplicates=rule)
    kept = {}
    for user, item, rating, _ in sorted(events, key=lambda event: event[3]):  # stable: equal times by row
        pair = (user, item)
        if rule == "sum":
            kept[pair] = kept.get(pair, 0) + rating
        elif rule == "keep_last" or pair not in kept:
            kept[pair] = rating
    found = {(user, item): weight for user, item, weight in triples(data)}
    assert found == kept
    assert len(data) == len(kept)
    assert data.notes.duplicates == len(events) - len(kept)
    order = np.lexsort((data.interactions.time, data.interactions.user))
    assert (order == np.arange(len(order))).all() or rule == "sum"


def triples(data):
    events = data.interactions
    return list(
        zip(
            data.users.decode(events.user),
            data.items.decode(events.item),
            events.weight.tolist(),
            strict=True,
        )
    )
