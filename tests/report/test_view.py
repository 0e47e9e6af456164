"""What the templates print: bars, verdicts, colours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recsmith.report import Comparison
from recsmith.report.view import board, colours, duels


def test_interval_bars_lie_inside_their_axis(leaderboard):
    table = board(leaderboard)
    bars = [cell["bar"] for row in table["rows"] for cell in row["cells"] if cell["bar"]]
    assert len(bars) == 3
    assert all(0 <= bar["left"] < bar["at"] < bar["left"] + bar["width"] <= 100 for bar in bars)
    assert "their intervals overlap" in table["says"]


@pytest.mark.parametrize(
    ("metric", "difference", "verdict"),
    [
        ("NDCG@10", 0.1, "A is better"),
        ("NDCG@10", -0.1, "B is better"),
        ("RMSE", -0.1, "A is better"),
        ("RMSE", 0.1, "B is better"),
    ],
)
def test_a_verdict_knows_which_way_is_better(metric, difference, verdict):
    duel = Comparison(
        model="A",
        baseline="B",
        metric=metric,
        difference=difference,
        low=difference - 0.05,
        high=difference + 0.05,
    )
    assert duels([duel])[0]["verdict"] == verdict
    open_duel = replace(duel, low=-1.0, high=1.0)
    assert duels([open_duel])[0]["verdict"] == "no difference shown"
    no_interval = duels([replace(duel, low=float("nan"), high=float("nan"))])[0]
    assert (no_interval["verdict"], no_interval["bar"]) == ("no difference shown", None)


def test_genres_have_the_same_colour_everywhere(page):
    palette = colours(page)
    assert list(palette) == ["Drama", "Comedy"]
    assert palette["Drama"] == "var(--cat-1)"
    assert colours(replace(page, item_map=None))["Drama"] == "var(--cat-1)"
