"""Every chart is valid Vega-Lite, and shows the figures it was given."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import altair
import numpy as np
import polars as pl
import pytest

from recsmith.report import Crosstab, Curve, DataProfile, ItemMap, charts, data_charts, search_charts
from recsmith.report.item_map import OTHER, drawn, item_map
from recsmith.report.labels import _box, place_names

HOSTILE = "<script>alert('x')</script>"


def all_charts(page):
    yield charts.leaderboard(page.leaderboard)
    yield charts.tradeoff(page.leaderboard, "Coverage@10")
    yield from charts.learning_curves(page.curves[0]).values()
    yield charts.timings(page.environment)
    yield data_charts.long_tail(page.profile)
    yield data_charts.weights(page.profile)
    yield data_charts.activity(page.profile)
    yield data_charts.months(page.profile)
    yield data_charts.crosstab(page.crosstab)
    yield data_charts.crosses(page.crosses)
    yield item_map(page.item_map, {"Drama": "var(--cat-1)"})
    yield search_charts.history(page.search)
    yield search_charts.importances(page.search)
    yield from search_charts.slices(page.search).values()


def test_every_chart_is_valid_and_plain_json(page):
    for spec in all_charts(page):
        altair.Chart.from_dict(spec, validate=True)
        assert json.loads(json.dumps(spec, allow_nan=False)) is not None
        assert "url" not in spec["data"]


def test_the_leaderboard_chart_ranks_within_each_metric(leaderboard):
    rows = charts.leaderboard(leaderboard)["data"]["values"]
    assert {row["model"]: row["rank"] for row in rows if row["metric"] == "NDCG@10"}["EASE"] == 0
    assert {row["model"]: row["rank"] for row in rows if row["metric"] == "RMSE"}["EASE"] == 1


@pytest.mark.parametrize(("metric", "line"), [("NDCG@10", [0.25, 0.25, 0.3]), ("RMSE", [0.25, 0.21, 0.21])])
def test_the_line_of_a_search_is_the_best_until_then(search, metric, line):
    rows = search_charts.history(replace(search, metric=metric))["data"]["values"]
    assert [row["best"] for row in rows] == [*line, line[-1], line[-1]]
    assert [row["kind"] for row in rows][:3] == ["the recipe's own", "other", "best"]


def test_a_setting_is_drawn_by_ratio_or_as_words(search):
    panels = search_charts.slices(search)
    assert panels["n_neighbours"]["encoding"]["x"]["scale"]["type"] == "log"
    assert [row["setting"] for row in panels["kind"]["data"]["values"]][:2] == ["default", HOSTILE]


def test_curves_of_one_kind_share_a_panel():
    history = [{"epoch": e, "rmse": 1 / e, "validation_rmse": 2 / e, "auc": 0.5} for e in (1, 2, 3)]
    history[1]["auc"] = float("nan")
    panels = charts.learning_curves(Curve(model="m", history=history))
    assert list(panels) == ["auc", "rmse"]
    assert len(panels["rmse"]["data"]["values"]) == 6
    assert [row["epoch"] for row in panels["auc"]["data"]["values"]] == [1, 3]


def test_crosses_are_hundredths_of_the_strongest(page):
    rows = data_charts.crosses(page.crosses)["data"]["values"]
    assert [row["text"] for row in rows] == ["25", "100", "0", "50"]
    assert rows[1]["fill"] == "var(--heat-9)" and rows[2]["fill"] == "var(--heat-1)"


def test_half_of_the_interactions_are_counted_exactly():
    for counts in ([10, 5, 3, 1, 1], [1, 1, 1, 1], [7], [3, 3, 3]):
        array = np.array(counts)
        # The plain way: add from the top until half is reached.
        wanted = next(n for n in range(1, len(counts) + 1) if sum(counts[:n]) >= sum(counts) / 2)
        assert data_charts.half_rank(array) == wanted
    assert data_charts.half_rank(np.array([])) == 0


def test_the_long_tail_is_thinned_and_keeps_both_ends():
    counts = np.arange(50_000, 0, -1)
    profile = DataProfile(n_users=1, n_items=50_000, n_interactions=int(counts.sum()), item_counts=counts)
    rows = data_charts.long_tail(profile)["data"]["values"]
    assert len(rows) < 320
    assert rows[0] == {"rank": 1, "count": 50_000}
    assert rows[-1] == {"rank": 50_000, "count": 1}


def test_months_without_interactions_are_drawn_as_zero(profile):
    rows = data_charts.months(profile)["data"]["values"]
    assert [(row["from"], row["count"]) for row in rows[:4]] == [
        ("2020-01-01", 5),
        ("2020-02-01", 0),
        ("2020-03-01", 0),
        ("2020-04-01", 15),
    ]


def test_a_long_log_is_drawn_by_the_quarter(profile):
    months = {date(2000 + n // 12, n % 12 + 1, 1): 1 for n in range(180)}
    spec = data_charts.months(replace(profile, months=months))
    rows = spec["data"]["values"]
    assert rows[0] == {"from": "2000-01-01", "count": 3}
    assert sum(row["count"] for row in rows[:-1]) == 180


def test_users_are_counted_in_bins_that_double(profile):
    rows = data_charts.activity(profile)["data"]["values"]
    assert [(row["bin"], row["users"]) for row in rows] == [("1", 1), ("4–7", 2), ("8–15", 1)]


def test_cells_have_colours_and_a_missing_rating_none(crosstab):
    rows = data_charts.crosstab(crosstab)["data"]["values"]
    assert len(rows) == 3 * 12
    empty = [row for row in rows if row["value"] is None]
    assert {(row["show"], row["u"], row["i"]) for row in empty} == {("actual", 0, 1), ("error", 0, 1)}
    assert {row["fill"] for row in empty} == {"var(--hush)"}
    best = max(
        (row for row in rows if row["show"] == "actual" and row["value"]), key=lambda row: row["value"]
    )
    assert best["fill"] == "var(--heat-9)"


@pytest.mark.parametrize("actual", [np.full((1, 1), np.nan), np.full((1, 1), 4.0)])
def test_a_cross_table_of_one_cell_can_be_drawn(actual):
    table = Crosstab(user_ids=["1"], titles=["a"], actual=actual, predicted=np.full((1, 1), 4.0))
    altair.Chart.from_dict(data_charts.crosstab(table), validate=True)


def test_the_map_draws_unknown_genres_as_other_and_drops_what_has_no_place(item_map_with_gap):
    rows = drawn(item_map_with_gap, {"Drama": "red"})
    assert rows["title"].to_list()[-1] == "Nobody's \u2028 line"
    assert rows.height == 3
    assert set(rows["group"]) == {"Drama", OTHER}


@pytest.fixture
def item_map_with_gap(item_map):
    x = pl.when(pl.col("title") == "Plain").then(float("nan")).otherwise("x").alias("x")
    return replace(item_map, items=item_map.items.with_columns(x))


def test_names_on_the_map_stand_apart_on_every_screen():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(500, 2))
    items = pl.DataFrame(
        {
            "x": points[:, 0],
            "y": points[:, 1],
            "title": [f"t{n}" for n in range(500)],
            "group": ["Drama"] * 500,
            "count": np.arange(500, 0, -1),
        }
    )
    rows = drawn(ItemMap(items=items), {"Drama": "red"})
    named = rows.filter(pl.col("name") <= 2).select("x", "y").to_numpy()
    assert 8 < len(named) <= 16
    assert 3 < (rows["name"] == 1).sum() <= 8
    gaps = np.abs(named[:, None] - named[None])[np.triu_indices(len(named), 1)]
    assert (gaps > [0.21 * 5, 0.045 * 5]).any(axis=1).all()


def test_names_do_not_cover_each_other_where_there_is_room():
    dots = [(50.0, 50.0), (60.0, 55.0), (55.0, 60.0), (200.0, 200.0)]
    names = ["EASE", "IALS", "ItemKNN", "Popular"]
    places = place_names(dots, names, width=270)
    boxes = [_box(*dot, name, place) for dot, name, place in zip(dots, names, places)]
    for n, a in enumerate(boxes):
        for b in boxes[n + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
