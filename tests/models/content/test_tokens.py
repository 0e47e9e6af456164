"""Tokens of metadata, kind by kind."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from recsmith.data.dataset import Feature
from recsmith.errors import InvalidValue
from recsmith.models.content.tokens import token_counts


def tokens_of(values, kind: str, *, n_buckets: int = 4, dtype=None) -> list[dict[str, int]]:
    table = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    counts, tokens = token_counts(table, Feature("x", kind), n_buckets=n_buckets)
    assert tokens == sorted(tokens)
    return [
        {tokens[code]: int(n) for code, n in zip(row.indices, row.data, strict=True)}
        for row in (counts[place] for place in range(len(table)))
    ]


def test_categories():
    assert tokens_of(["a", None, "b", "", "a"], "categorical") == [{"a": 1}, {}, {"b": 1}, {}, {"a": 1}]
    assert tokens_of([7, None, 12], "categorical") == [{"7": 1}, {}, {"12": 1}]


def test_many_values():
    assert tokens_of([["Drama", "War"], [], None, ["War", None]], "multi") == [
        {"Drama": 1, "War": 1}, {}, {}, {"War": 1},
    ]  # fmt: skip


def test_words_are_folded_counted_and_at_least_two_long():
    assert tokens_of(["The THE end", "Amélie à 2046 x", None], "text") == [
        {"the": 2, "end": 1}, {"amélie": 1, "2046": 1}, {},
    ]  # fmt: skip
    assert tokens_of([["space", "Space opera"], [], None], "text") == [{"space": 2, "opera": 1}, {}, {}]


def test_numbers_fall_into_quantiles():
    found = tokens_of([1.0, 2.0, 3.0, 4.0, None, float("nan"), 100.0], "number")
    assert found[4] == found[5] == {}
    places = [next(iter(row)) for row in found if row]
    assert places == sorted(places)
    assert len(set(places)) == 4
    assert tokens_of([5, 5, 5], "number") == [{"0001": 1}] * 3
    assert tokens_of([None, None], "number", dtype=pl.Float64) == [{}, {}]


def test_times_fall_into_quantiles():
    found = tokens_of([date(1990, 1, 1), date(2000, 1, 1), None, date(2010, 1, 1)], "time", n_buckets=2)
    assert found == [{"0000": 1}, {"0001": 1}, {}, {"0001": 1}]


def test_a_column_that_is_not_there():
    with pytest.raises(InvalidValue, match="item_table column 'y' must be there"):
        token_counts(pl.DataFrame({"x": [1]}), Feature("y", "number"), n_buckets=3)
