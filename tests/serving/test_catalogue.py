"""Catalogue: after a change it is what a new one would be, and only what changed is read again."""

import pytest

pytest.importorskip("fastapi")

from recsmith.serving import records
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.records import Item


def catalogue(items):
    ids = tuple(item.item_id for item in items)
    return Catalogue(ids, tuple(items), 3, {item_id: place for place, item_id in enumerate(ids)})


def items():
    return [
        Item("a", "Red shoe", {"genres": "Shoes|Red"}),
        Item("b", "Blue shoe", {"tags": ["Shoes", "Blue"], "price": 3}),
        Item("c", "Hat", {}),
    ]


def test_a_change_reads_only_what_changed_and_gives_what_a_new_catalogue_has(monkeypatch):
    before = catalogue(items())
    assert before.words.shape[0] == len(before.categories) == 3
    read = []
    monkeypatch.setattr(
        records, "hashed", lambda words, hashed=records.hashed: read.append(words) or hashed(words)
    )
    news = [Item("b", "Green shoe", {"tags": ["Green"]}, version=2), Item("d", "New red hat", {}, version=2)]
    after = before.changed(news)
    fresh = catalogue([items()[0], news[0], items()[2], news[1]])
    words = after.words
    assert [row[0] for row in read] == ["green", "new"]
    assert (words != fresh.words).nnz == 0
    assert after.categories == fresh.categories == (("Shoes", "Red"), ("Green",), (), ())
    assert before.items[1].title == "Blue shoe"
