"""Vocabularies: ids to codes and back, both kinds of id, growth, files."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data import Vocabulary
from recsmith.errors import InvalidValue, ModelFileError

INTEGERS = st.lists(st.integers(-(2**62), 2**62), unique=True, max_size=30)
STRINGS = st.lists(st.text(max_size=8), unique=True, max_size=30)


@given(st.one_of(INTEGERS, STRINGS))
def test_ids_round_trip(ids):
    vocabulary = Vocabulary.from_column(
        pl.Series("id", ids, dtype=pl.Int64 if all_integers(ids) else pl.String)
    )
    assert vocabulary.decode(vocabulary.encode(ids)) == ids
    assert sorted(vocabulary.encode(ids)) == list(range(len(ids)))


def all_integers(ids):
    return all(isinstance(x, int) for x in ids)


def test_codes_follow_the_sorted_ids_not_the_file_order():
    column = pl.Series(["b", "a", "c", "a"])
    assert Vocabulary.from_column(column) == Vocabulary.from_column(column.reverse())
    assert Vocabulary.from_column(column).ids.to_list() == ["a", "b", "c"]


def test_integers_answer_to_their_spelling_and_strings_to_the_integer():
    assert Vocabulary([10, 50]).encode(["50", 50, "x", None, 7, "10"]).tolist() == [1, 1, -1, -1, -1, 0]
    assert Vocabulary(["10", "50"]).encode([50, "50", 7]).tolist() == [1, 1, -1]
    assert 50 in Vocabulary(["50"])
    assert "50" in Vocabulary([50])


@pytest.mark.parametrize("n", [10, 10_000])
def test_short_and_long_requests_agree(n):
    vocabulary = Vocabulary(np.arange(0, 3 * n, 3))
    asked = np.arange(n)
    expected = np.where(asked % 3 == 0, asked // 3, -1)
    assert (vocabulary.encode(asked) == expected).all()
    assert (vocabulary.encode(pl.Series(asked)) == expected).all()
    assert (vocabulary.encode(pl.Series(asked).cast(pl.String)) == expected).all()
    assert vocabulary.encode(asked).dtype == np.int32


def test_odd_spellings_of_integers_are_read_alike_in_short_and_long_requests():
    odd = ["50", "+50", "050", "5_0", " 50", "٥٠", "50.0", "", "9" * 30]
    vocabulary = Vocabulary([10, 50])
    assert vocabulary.encode(odd).tolist() == [1, 1, 1, -1, -1, -1, -1, -1, -1]
    assert vocabulary.encode(pl.Series(odd)).tolist() == vocabulary.encode(odd).tolist()


def test_growth_keeps_the_old_codes():
    old = Vocabulary(["x", "b"])
    new = old.extend(["c", "x", "a", "c"])
    assert new.ids.to_list() == ["x", "b", "a", "c"]
    assert old.ids.to_list() == ["x", "b"]


@pytest.mark.parametrize("ids", [[3, 1, 2], ["ä", "", "🎬"]])
def test_files_round_trip(ids, tmp_path):
    Vocabulary(ids).save(tmp_path / "v.parquet")
    assert Vocabulary.load(tmp_path / "v.parquet") == Vocabulary(ids)


def test_a_cut_off_file_is_an_error(tmp_path):
    path = tmp_path / "v.parquet"
    Vocabulary(list(range(1000))).save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError, match="must be a vocabulary file"):
        Vocabulary.load(path)


def test_bad_ids_are_refused():
    with pytest.raises(InvalidValue, match="Vocabulary ids must be unique. Got 'a'"):
        Vocabulary(["a", "b", "a"])
    with pytest.raises(InvalidValue, match="ids must be integers or strings. Got 'Float64'"):
        Vocabulary.from_column(pl.Series([1.5]))
    with pytest.raises(InvalidValue, match="ids must be present in every row"):
        Vocabulary.from_column(pl.Series(["a", None]))
