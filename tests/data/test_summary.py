"""The summary of a log: known answers, JSON, and what it looks like in a terminal."""

import io
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from recsmith.data.door import read_frame
from recsmith.data.features import add_item_table
from recsmith.data.summary import gini, summarise, top_share
from recsmith.data.summary_view import view

LOG = pl.DataFrame(
    {
        "user": [1, 1, 1, 2, 2, 3, None],
        "item": [10, 20, 30, 10, 10, 10, 10],
        "rating": [5.0, 4.0, 3.0, 5.0, 1.0, 2.0, 3.0],
        "time": [10**9 + 31 * 86_400 * month for month in range(7)],
    }
)


@pytest.fixture
def summary(tmp_path):
    data = read_frame(LOG, on_bad_rows="quarantine", quarantine=tmp_path / "q.csv", name="shop")
    items = pl.DataFrame({"item_id": [10, 40], "genres": ["a|b", "c"]})
    return summarise(add_item_table(data, items, features={"genres": "multi"}))


def test_known_answers(summary):
    assert (summary.n_interactions, summary.n_users, summary.n_items, summary.n_catalogue) == (5, 3, 3, 4)
    assert summary.density == pytest.approx(5 / 9)
    assert summary.per_user == {
        "min": 1,
        "median": 1,
        "mean": pytest.approx(5 / 3),
        "p90": pytest.approx(2.6),
        "max": 3,
    }
    assert summary.top_shares == {"1%": 0.6, "10%": 0.6, "20%": 0.6}
    assert summary.long_tail[0] == {"rank": 1, "count": 3, "share": 0.6}
    assert summary.long_tail[-1] == {"rank": 3, "count": 1, "share": 1.0}
    assert summary.weights == [{"value": v, "count": 1} for v in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert summary.mean_weight == 3.0
    assert summary.activity == [{"from": 1, "to": 1, "users": 2}, {"from": 2, "to": 3, "users": 1}]
    assert (summary.first_time, summary.last_time) == (
        "2001-09-09T01:46:40+00:00",
        "2002-02-11T01:46:40+00:00",
    )
    months = {point["period"]: point["count"] for point in summary.over_time}
    assert months == {"2001-09": 1, "2001-10": 1, "2001-11": 1, "2001-12": 0, "2002-01": 1, "2002-02": 1}
    assert sum(point["count"] for point in summary.over_time) == 5
    assert (summary.n_read, summary.refused, summary.duplicates) == (7, {"user is empty": 1}, 1)
    assert summary.item_features == {"genres": "multi"}


def test_it_is_json(summary):
    assert json.loads(json.dumps(summary.to_dict()))["n_users"] == 3


def test_it_is_shown(summary):
    console = Console(file=io.StringIO(), width=100)
    console.print(view(summary))
    shown = console.file.getvalue()
    for words in ("shop", "55.556%", "user is empty", "top 10 %", "Interactions over time"):
        assert words in shown


def test_a_log_without_times_or_ratings():
    summary = summarise(read_frame(pl.DataFrame({"user": ["a"], "item": ["b"]})))
    assert (summary.first_time, summary.over_time, summary.density) == (None, [], 1.0)
    console = Console(file=io.StringIO())
    console.print(view(summary))
    assert "no times" in console.file.getvalue()


def test_many_weights_come_in_ten_bins():
    frame = pl.DataFrame({"user": range(100), "item": [1] * 100, "weight": np.arange(100) / 7})
    weights = summarise(read_frame(frame)).weights
    assert len(weights) == 10
    assert sum(weight["count"] for weight in weights) == 100


def test_density_counts_pairs_once_when_repeats_are_kept():
    frame = pl.DataFrame({"user": [1, 1, 1, 2], "item": [1, 1, 2, 1]})
    assert summarise(read_frame(frame, duplicates="keep_all")).density == 3 / 4


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(counts):
    x = np.array(counts, float)
    plain = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert gini(np.array(counts)) == pytest.approx(plain, abs=1e-12)
    assert top_share(np.array(counts), 1.0) == 1.0
    assert top_share(np.array(counts), 1e-6) == pytest.approx(max(counts) / sum(counts))
