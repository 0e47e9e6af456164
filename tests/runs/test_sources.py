"""[data] of a recipe: every kind of source, side tables, feedback, and filters in their order."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recsmith.config import load_recipe
from recsmith.errors import DataError
from recsmith.runs.sources import load_data

LOG = """user_id,item_id,rating,timestamp
1,a,5,1600000000
1,b,4,1600000100
1,c,2,1600000200
2,a,4,1600000300
2,b,5,1600000400
3,a,1,1600000500
3,d,3,1610000000
"""


def data_of(folder: Path, text: str):
    recipe = folder / "r.toml"
    recipe.write_text(f'{text}\n[model]\nclass = "Popular"\n', encoding="utf-8")
    return load_data(load_recipe(recipe).data)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    return tmp_path


TABLE = '[data]\nsource = "table"\npath = "log.csv"\n'


def test_a_table_with_usual_names_needs_nothing_more(folder):
    data = data_of(folder, TABLE)
    assert (len(data), data.n_users, data.n_items, data.feedback) == (7, 3, 4, "ratings")
    assert data.name == "log"


def test_a_name_and_what_weights_mean_can_be_said(folder):
    data = data_of(folder, TABLE + 'name = "Tea shop"\nfeedback = "implicit"\n')
    assert (data.name, data.feedback) == ("Tea shop", "implicit")


def test_several_files_and_a_glob(folder):
    (folder / "log2.csv").write_text(LOG.replace("\n3,", "\n4,"), encoding="utf-8")
    assert data_of(folder, '[data]\nsource = "table"\npath = ["log.csv", "log2.csv"]\n').n_users == 4
    assert data_of(folder, '[data]\nsource = "table"\npath = "log*.csv"\n').n_users == 4


def test_a_query(folder):
    pytest.importorskip("sqlalchemy", reason="the sql extra is not installed")
    with closing(sqlite3.connect(folder / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE sales (who INTEGER, what TEXT, stars REAL)")
        shop.executemany("INSERT INTO sales VALUES (?, ?, ?)", [(1, "a", 5), (1, "b", 3), (2, "a", 4)])
    data = data_of(
        folder,
        '[data]\nsource = "sql"\nurl = "sqlite:///shop.db"\nquery = "SELECT * FROM sales"\n'
        'user = "who"\nitem = "what"\nweight = "stars"\n',
    )
    assert (len(data), data.n_users, data.n_items) == (3, 2, 2)


def test_events_with_a_weight_each(folder):
    (folder / "events.jsonl").write_text(
        '{"user_id": 7, "item_id": "a", "event": "view"}\n{"user_id": 7, "item_id": "a", "event": "buy"}\n',
        encoding="utf-8",
    )
    text = '[data]\nsource = "events"\npath = "events.jsonl"\nweights = { view = 1, buy = 5 }\n'
    assert data_of(folder, text).interactions.weight.tolist() == [6.0]


def test_tables_about_items_and_people_are_joined(folder):
    (folder / "goods.csv").write_text("sku,label,kind\na,Apple,fruit|red\nz,Zest,fruit\n", encoding="utf-8")
    (folder / "people.csv").write_text("id,town\n1,Rome\n2,Oslo\n", encoding="utf-8")
    data = data_of(
        folder,
        TABLE
        + '[data.items]\npath = "goods.csv"\nid = "sku"\ntitle = "label"\nfeatures = { kind = "multi" }\n'
        '[data.users]\npath = "people.csv"\nid = "id"\nfeatures = { town = "categorical" }\n',
    )
    assert data.n_items == 5
    assert data.titles()[int(data.items.encode(["a"])[0])] == "Apple"
    assert [(feature.name, feature.kind) for feature in data.item_features] == [("kind", "multi")]
    assert data.user_table is not None
    assert data.user_table["town"].to_list() == ["Rome", "Oslo", None]


@pytest.mark.parametrize(
    ("rules", "n_events"),
    [
        ("min_rating = 4", 4),
        ('since = "2021-01-01"', 1),
        ('until = "2021-01-01"', 6),
        ("min_item_interactions = 2", 5),
        ("min_user_interactions = 3", 3),
        # In one pass user 3 keeps one event; the core goes on until everybody has two.
        ("k_core = 2", 4),
    ],
)
def test_filters(folder, rules, n_events):
    data = data_of(folder, f"{TABLE}[data.filter]\n{rules}\n")
    assert len(data) == n_events
    assert any("took out" in step for step in data.notes.steps)


def test_weights_are_looked_at_before_counts(folder):
    # Users 1 and 2 have several events but one with five stars each.
    with pytest.raises(DataError, match="min_interactions per_user 2 must leave at least one"):
        data_of(folder, f"{TABLE}[data.filter]\nmin_rating = 5\nmin_user_interactions = 2\n")


def test_a_filter_that_leaves_nothing_is_refused(folder):
    with pytest.raises(DataError, match="must leave at least one interaction"):
        data_of(folder, f"{TABLE}[data.filter]\nmin_rating = 9\n")


def test_movielens_from_a_folder(folder):
    (folder / "ml").mkdir()
    (folder / "ml" / "ratings.csv").write_text(
        LOG.replace("a,", "1,").replace("b,", "2,").replace("c,", "3,").replace("3,d,", "3,4,")
        .replace("user_id,item_id", "userId,movieId"),
        encoding="utf-8",
    )  # fmt: skip
    data = data_of(folder, '[data]\nsource = "movielens"\nsize = "latest-small"\npath = "ml"\n')
    assert (len(data), data.n_users) == (7, 3)
