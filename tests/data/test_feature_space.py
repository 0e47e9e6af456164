"""Features as codes and numbers: learnt once, the same later, unknown values at 0."""

import json

import numpy as np
import polars as pl
import pytest

from recsmith.data import Feature
from recsmith.data.feature_space import TIME_PARTS, FeatureSpace, time_parts
from recsmith.errors import InvalidValue

TABLE = pl.DataFrame(
    {
        "colour": ["red", "blue", "red", None],
        "genres": [["a", "b"], ["b"], [], None],
        "title": ["The Red Door", "red, RED!", "", None],
        "year": [1990.0, 2000.0, 2010.0, None],
    }
)
FEATURES = [
    Feature("colour", "categorical"),
    Feature("genres", "multi"),
    Feature("title", "text"),
    Feature("year", "number"),
]


@pytest.fixture
def space():
    return FeatureSpace.fit(TABLE, FEATURES, n_buckets=3)


def test_codes_go_by_frequency_then_name_and_0_is_unknown(space):
    encoded = space.encode(TABLE)
    assert encoded["colour"].codes.tolist() == [[1], [2], [1], [0]]
    assert encoded["genres"].codes.tolist() == [[2, 1], [1, 0], [0, 0], [0, 0]]
    assert encoded["title"].codes.tolist() == [[3, 1, 2], [1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert [column.n_codes for column in space.columns] == [3, 3, 4, 4]


def test_numbers_are_scaled_and_bucketed(space):
    year = space.encode(TABLE)["year"]
    values = np.array([1990, 2000, 2010])
    np.testing.assert_allclose(year.value[:3], (values - values.mean()) / values.std(), rtol=1e-6)
    assert year.value[3] == 0
    assert year.codes.ravel().tolist() == [1, 2, 3, 0]


def test_new_values_later_are_unknown_but_in_place(space):
    later = pl.DataFrame(
        {"colour": ["green"], "genres": [["z", "a"]], "year": [1e12], "title": ["a brand new red door"]}
    )
    encoded = space.encode(later)
    assert encoded["colour"].codes.tolist() == [[0]]
    assert encoded["genres"].codes.max() == 2
    assert encoded["year"].codes.tolist() == [[3]]
    assert encoded["year"].value[0] == 10, "what lies far out is held at ten deviations"


def test_a_column_that_is_absent_later_is_all_unknown(space):
    encoded = space.encode(TABLE.drop("genres", "year"))
    assert not encoded["genres"].codes.any()
    assert not encoded["year"].codes.any()


def test_it_survives_json(space):
    assert FeatureSpace.of_dict(json.loads(json.dumps(space.to_dict()))) == space


def test_rows_can_be_picked(space):
    year = space.encode(TABLE)["year"].take(np.array([3, 0, 0]))
    assert year.codes.ravel().tolist() == [0, 1, 1]
    assert year.value[0] == 0


def test_limits_hold():
    space = FeatureSpace.fit(TABLE, FEATURES, max_tokens=1, max_length=1)
    assert space.encode(TABLE)["title"].codes.tolist() == [[0], [1], [0], [0]]
    assert space.columns[0].tokens == ("red",)


def test_a_feature_that_the_data_lacks_is_an_error():
    with pytest.raises(
        InvalidValue, match="features must be columns of the data. Got 'genre'. Did you mean 'genres'"
    ):
        FeatureSpace.fit(TABLE, [Feature("genre", "multi")])


def test_times_fall_apart_into_hour_and_day():
    parts = time_parts(np.array([0, 1_000_000_000_000], np.int64))
    assert parts["hour_of_day"].to_list() == ["0", "1"]
    assert parts["day_of_week"].to_list() == ["3", "6"], "a Thursday and a Sunday"
    encoded = FeatureSpace.fit(parts, TIME_PARTS).encode(parts)
    assert encoded["instant"].value.tolist() == [-1, 1]


def test_hashed_words_share_slots_and_new_ones_have_one_too():
    """The slot is the CRC-32 of the word modulo their number, counted from 1."""
    import zlib

    space = FeatureSpace.fit(TABLE, FEATURES[2:3], text="hashed", n_hashes=7)
    assert space.columns[0].n_codes == 8
    later = pl.DataFrame({"title": ["Red unheard", "", None]})
    codes = space.encode(later)["title"].codes
    assert codes.tolist() == [
        [1 + zlib.crc32(b"red") % 7, 1 + zlib.crc32(b"unheard") % 7, 0],
        [0] * 3,
        [0] * 3,
    ]
    assert zlib.crc32(b"123456789") == 0xCBF43926, "the check value of the CRC-32 that others compute"


def test_tfidf_weights_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    titles = ["The Red Door", "red, RED!", "a door, and another door", "blue"]
    table = pl.DataFrame({"title": [*titles, ""]})
    space = FeatureSpace.fit(table, [Feature("title", "text")], text="tfidf")
    column = space.columns[0]
    oracle = TfidfVectorizer(token_pattern=r"[^\W_]{2,}").fit(titles)
    assert dict(zip(column.tokens, column.idf, strict=True)) == pytest.approx(
        {word: oracle.idf_[place] for word, place in oracle.vocabulary_.items()}
    )


def test_texts_are_cut_at_their_own_length():
    table = pl.DataFrame({"title": ["one two three four"], "genres": [["a", "b", "c"]]})
    features = [Feature("title", "text"), Feature("genres", "multi")]
    space = FeatureSpace.fit(table, features, max_length=2, text_length=3)
    assert [column.length for column in space.columns] == [3, 2]


@pytest.mark.parametrize("text", ["words", "hashed", "tfidf"])
def test_texts_survive_json(text):
    space = FeatureSpace.fit(TABLE, FEATURES, text=text, n_hashes=5)
    again = FeatureSpace.of_dict(json.loads(json.dumps(space.to_dict())))
    assert again == space
