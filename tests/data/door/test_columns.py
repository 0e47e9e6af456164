"""Which column is which: by name, by usual name, with a hint for the lost."""

import pytest

from recsmith.data.door.columns import Columns, looks_like_separator, resolve
from recsmith.errors import DataError


def test_columns_are_found_by_their_usual_names():
    found = resolve(Columns(), ["userId", "movieId", "rating", "timestamp"], source="x.csv")
    assert found == Columns("userId", "movieId", "rating", "timestamp")
    assert resolve(Columns(), ["Customer ID", "SKU"], source="x.csv") == Columns("Customer ID", "SKU")


def test_a_name_that_is_given_goes_before_the_usual_one():
    found = resolve(Columns(item="tag"), ["userId", "movieId", "tag"], source="x.csv")
    assert found.item == "tag"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (Columns(user="user_id"), "Did you mean 'userId'?"),
        (Columns(item="item_id"), "Did you mean 'movieId'?"),
        (Columns(weight="ratings"), "Did you mean 'rating'?"),
        (Columns(time="time"), "Did you mean 'timestamp'?"),
    ],
)
def test_a_missing_column_names_the_nearest(wanted, hint):
    with pytest.raises(DataError) as error:
        resolve(wanted, ["userId", "movieId", "rating", "timestamp"], source="x.csv")
    assert "must be a column of x.csv (userId, movieId, rating, timestamp)" in str(error.value)
    assert str(error.value).endswith(hint)


def test_no_usual_name_at_all():
    with pytest.raises(
        DataError, match="user must be a column of x.csv .a, b.. Got no name, and none of the usual"
    ):
        resolve(Columns(), ["a", "b"], source="x.csv")


def test_a_wrong_separator_is_recognised():
    with pytest.raises(
        DataError, match="one column only: its separator looks like ';', so say separator = ';'"
    ):
        resolve(Columns(), ["userId;movieId"], source="x.csv")
    with pytest.raises(DataError, match="separator looks like 'tab'"):
        resolve(Columns(user="column_1"), ["column_1"], source="x.csv", first_line="1\t2\t3")


def test_a_first_line_of_data_is_recognised():
    with pytest.raises(DataError, match="The first line looks like data: say header = false"):
        resolve(Columns(user="user"), ["1", "31", "2.5"], source="x.csv")


def test_one_column_cannot_be_two_things():
    with pytest.raises(DataError, match="a column of its own. Got 'id' twice"):
        resolve(Columns(user="id", item="id"), ["id", "x"], source="x.csv")


@pytest.mark.parametrize(
    ("line", "separator"),
    [("a,b", ","), ("a::b::c", "::"), ("a|b", "|"), ("a\tb c", "\t"), ("a b", " "), ("a", None)],
)
def test_separators_are_told_by_a_line(line, separator):
    assert looks_like_separator(line) == separator


def test_no_name_leaves_a_column_alone():
    found = resolve(Columns(weight="", time=""), ["userId", "movieId", "rating", "timestamp"], source="x.csv")
    assert found == Columns("userId", "movieId", None, None)
