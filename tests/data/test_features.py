"""Side tables: every kind of feature, a catalogue larger than the log, and ids that only the log has."""

from datetime import datetime

import polars as pl
import pytest

from recsmith.data import Feature
from recsmith.data.door import read_frame
from recsmith.data.features import add_item_table, add_user_table
from recsmith.errors import DataError, InvalidValue

LOG = pl.DataFrame({"user": [1, 1, 2], "item": [10, 30, 20], "rating": [4.0, 5.0, 3.0]})
ITEMS = pl.DataFrame(
    {
        "movieId": ["30", "10", "15"],
        "name": ["Thirty", "Ten", " Fifteen "],
        "genres": ["Drama|Comedy|Drama", "", None],
        "price": ["9.5", "cheap", None],
        "added": ["2020-01-02", "soon", None],
        "colour": ["red", " blue", ""],
    }
)
KINDS = {"genres": "multi", "price": "number", "added": "time", "colour": "categorical", "name": "text"}


@pytest.fixture
def data():
    return read_frame(LOG)


def test_the_catalogue_grows_by_what_nobody_took(data):
    wide = add_item_table(data, ITEMS, id="movieId", title="name")
    assert wide.items.ids.to_list() == [10, 15, 20, 30]
    assert wide.item_table["item_id"].to_list() == [10, 15, 20, 30]
    assert wide.titles().to_list() == ["Ten", " Fifteen ", None, "Thirty"]
    events = wide.interactions
    assert wide.items.decode(events.item) == [10, 30, 20]  # the events mean what they meant
    assert events.weight.tolist() == [4.0, 5.0, 3.0]
    assert "item table: 1 of 3 items of the log are not in it" in wide.notes.steps
    assert "item table: 1 items are in no interaction; they join the catalogue" in wide.notes.steps


def test_every_kind_is_read_and_what_cannot_be_is_empty_and_counted(data):
    wide = add_item_table(data, ITEMS, id="movieId", title="name", features=KINDS)
    table = wide.item_table
    assert table["genres"].to_list() == [[], [], [], ["Drama", "Comedy"]]
    assert table["price"].to_list() == [None, None, None, 9.5]
    assert table["added"].to_list() == [None, None, None, datetime(2020, 1, 2)]
    assert table["colour"].to_list() == ["blue", None, None, "red"]
    assert table["title"].to_list() == table["name"].to_list() == ["Ten", "Fifteen", None, "Thirty"]
    assert set(wide.item_features) == {Feature(name, kind) for name, kind in KINDS.items()}
    assert "feature price: 1 cells could not be read as number and are empty" in wide.notes.steps
    assert "feature added: 1 cells could not be read as time and are empty" in wide.notes.steps


def test_numbers_of_seconds_or_milliseconds_are_times_too(data):
    items = pl.DataFrame({"item_id": [10, 20, 30], "s": [10**9, None, 10**9 + 1], "ms": [10**12, 1, 10**12]})
    table = add_item_table(data, items, features={"s": "time", "ms": "time"}).item_table
    assert table["s"].to_list() == [datetime(2001, 9, 9, 1, 46, 40), None, datetime(2001, 9, 9, 1, 46, 41)]
    assert table["ms"].to_list()[0] == datetime(2001, 9, 9, 1, 46, 40)


def test_lists_stay_lists(data):
    items = pl.DataFrame({"item_id": [10, 20], "tags": [["a", "b", "a"], None]})
    wide = add_item_table(data, items, features={"tags": "multi"})
    assert wide.item_table["tags"].to_list() == [["a", "b"], [], []]


def test_another_separator(data):
    items = pl.DataFrame({"item_id": [10], "tags": ["a; b"]})
    wide = add_item_table(data, items, features={"tags": "multi"}, multi_separator=";")
    assert wide.item_table["tags"].to_list()[0] == ["a", "b"]


def test_users_and_two_tables_after_one_another(data):
    once = add_user_table(
        data, pl.DataFrame({"uid": [2, 1], "age": [30, 40]}), id="uid", features={"age": "number"}
    )
    twice = add_user_table(
        once, pl.DataFrame({"uid": [1, 3], "town": ["A", "B"]}), id="uid", features={"town": "text"}
    )
    assert twice.users.ids.to_list() == [1, 2, 3]
    assert twice.user_table["town"].to_list() == ["A", None, "B"]
    assert twice.user_table["age"].to_list() == [40.0, 30.0, None]
    assert twice.user_features == (Feature("age", "number"), Feature("town", "text"))


def test_ids_that_repeat_or_are_empty_are_counted(data):
    items = pl.DataFrame({"item_id": ["10", "10", "", None, "20", "30"], "name": list("abcdef")})
    wide = add_item_table(data, items, title="name")
    assert wide.titles().to_list() == ["b", "e", "f"]
    assert "item table: 2 rows without an id were left out" in wide.notes.steps
    assert "item table: 1 rows repeat an id; the last row of an id was kept" in wide.notes.steps


def test_text_ids_in_the_table_make_all_ids_text(data):
    wide = add_item_table(data, pl.DataFrame({"item_id": ["10", "x"], "name": ["ten", "ex"]}), title="name")
    assert wide.items.ids.to_list() == ["10", "20", "30", "x"]
    assert wide.items.decode(wide.interactions.item) == ["10", "30", "20"]
    assert wide.titles().to_list() == ["ten", None, None, "ex"]


def test_a_column_that_is_not_there_names_the_nearest(data):
    with pytest.raises(
        DataError, match="item table must have the column 'movie_id'. Got movieId.*Did you mean 'movieId'"
    ):
        add_item_table(data, ITEMS, id="movie_id")
    with pytest.raises(DataError, match="must have the column 'genre'"):
        add_item_table(data, ITEMS, id="movieId", features={"genre": "multi"})
    with pytest.raises(
        InvalidValue, match="features.genres must be one of categorical, multi, text, number, time"
    ):
        add_item_table(data, ITEMS, id="movieId", features={"genres": "list"})
