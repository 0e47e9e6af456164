"""The cross table: the most active against the most taken, with known answers."""

import numpy as np
import polars as pl
import pytest

from recsmith.data.crosstab import cross_table
from recsmith.data.door import read_frame
from recsmith.errors import InvalidValue

FRAME = pl.DataFrame(
    {
        "user": ["a", "b", "b", "b", "c", "c", "d"],
        "item": ["x", "x", "y", "z", "x", "y", "z"],
        "rating": [1.0, 2.0, 3.0, 4.0, 5.0, 1.5, 2.5],
    }
)


def test_known_answer():
    table = cross_table(read_frame(FRAME), n_users=2, n_items=2)
    assert table.user_ids == ("b", "c")
    assert table.item_ids == table.titles == ("x", "y")  # y and z tie: the lower code comes first
    assert table.weight_UI.tolist() == [[2.0, 3.0], [5.0, 1.5]]


def test_who_never_met_is_empty():
    table = cross_table(read_frame(FRAME))
    assert table.weight_UI.shape == (4, 3)
    assert int(np.isnan(table.weight_UI).sum()) == 5
    assert table.to_dict()["weights"][1] == [5.0, 1.5, None]


def test_the_last_of_repeated_events_is_shown():
    frame = pl.DataFrame({"user": [1, 1], "item": [2, 2], "rating": [5.0, 1.0], "time": [10**9 + 1, 10**9]})
    table = cross_table(read_frame(frame, duplicates="keep_all"))
    assert table.weight_UI.tolist() == [[5.0]]


def test_sizes_must_be_one_or_more():
    with pytest.raises(InvalidValue, match="n_users must be 1 or more. Got 0"):
        cross_table(read_frame(FRAME), n_users=0)
