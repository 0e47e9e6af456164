"""What the templates print: figures, verdicts, colours, the recipe's marks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recsmith.report import Comparison
from recsmith.report.view import board, colours, count, duels, figure, highlighted, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-0.5, "−0.500"),
        (12.345, "12.35"),
        (1234.5, "1,234"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_a_figure_shows_the_digits_that_matter(value, text):
    assert figure(value) == text


def test_counts_and_durations_are_readable():
    assert count(1234567) == "1,234,567"
    assert [seconds(s) for s in (0.0123, 12.34, 600.0)] == ["12 ms", "12.3 s", "10.0 min"]


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


def test_a_recipe_is_marked_and_escaped():
    html = str(highlighted('[data]\nname = "a <b> \\" # c"  # note & more'))
    assert '<span class="t">[data]</span>' in html
    assert '<span class="k">name</span>' in html
    assert '<span class="s">&#34;a &lt;b&gt; \\&#34; # c&#34;</span>' in html
    assert '<span class="c"># note &amp; more</span>' in html
