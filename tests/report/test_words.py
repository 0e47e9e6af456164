"""Figures, durations and recipes are printed for a reader."""

from __future__ import annotations

import pytest

from recsmith.report.words import count, figure, highlighted, seconds


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


def test_a_recipe_is_marked_and_escaped():
    html = str(highlighted('[data]\nname = "a <b> \\" # c"  # note & more'))
    assert '<span class="t">[data]</span>' in html
    assert '<span class="k">name</span>' in html
    assert '<span class="s">&#34;a &lt;b&gt; \\&#34; # c&#34;</span>' in html
    assert '<span class="c"># note &amp; more</span>' in html
