"""Tables: formats, several files and globs, and the same log from each of them."""

import polars as pl
import pytest

from recsmith.data.sources.tables import find_files, format_of, read_columns, read_table
from recsmith.errors import DataError, InvalidValue

FRAME = pl.DataFrame(
    {"user": [2, 1, 1], "item": ["b", "a", "b"], "rating": [1.0, 2.0, 3.0], "time": [10**9, 10**9 + 1, 10**9]}
)


@pytest.fixture
def written(tmp_path):
    FRAME.write_csv(tmp_path / "log.csv")
    FRAME.write_csv(tmp_path / "log.tsv", separator="\t")
    FRAME.write_parquet(tmp_path / "log.parquet")
    FRAME.write_ndjson(tmp_path / "log.jsonl")
    return tmp_path


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.parquet", "log.jsonl"])
def test_every_format_gives_the_same_data(written, name):
    data = read_table(written / name)
    events = data.interactions
    assert data.users.ids.to_list() == [1, 2]
    assert data.items.ids.to_list() == ["a", "b"]
    assert events.user.tolist() == [0, 0, 1]
    assert events.item.tolist() == [1, 0, 1]
    assert events.weight.tolist() == [3.0, 2.0, 1.0]
    assert events.time.tolist() == [10**12, 10**12 + 1000, 10**12]
    assert data.name == "log"


def test_a_format_that_is_given_goes_before_the_ending(written):
    odd = (written / "log.parquet").rename(written / "log.csv.old")
    assert format_of(odd) == "parquet"  # by its first bytes
    assert len(read_table(odd, format="parquet")) == 3
    with pytest.raises(InvalidValue, match="format must be csv, tsv, parquet or jsonl. Got 'xml'"):
        read_table(odd, format="xml")


def test_several_files_are_one_log_in_their_order(tmp_path):
    (tmp_path / "b.csv").write_text("user,item\n1,2\n")
    (tmp_path / "a.csv").write_text("item,user\n1,1\n9,x\n")
    by_glob = read_table(str(tmp_path / "*.csv"))
    assert by_glob.items.decode(by_glob.interactions.item) == [1, 2, 9]  # equal users keep the files' order
    assert by_glob.notes.sources == (str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    by_list = read_table([tmp_path / "b.csv", tmp_path / "a.csv"])
    assert by_list.items.decode(by_list.interactions.item) == [2, 1, 9]
    assert by_list.users.ids.to_list() == ["1", "x"]


def test_integers_in_one_file_and_text_in_another_are_text(tmp_path):
    pl.DataFrame({"user": [1, 2], "item": [1, 1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"user": ["1", "x"], "item": [1, 2]}).write_parquet(tmp_path / "b.parquet")
    data = read_table(str(tmp_path / "*.parquet"))
    assert data.users.ids.to_list() == ["1", "2", "x"]


def test_bad_rows_are_counted_by_file_and_line(tmp_path):
    (tmp_path / "a.csv").write_text("user,item\n1,2\n,3\n")
    (tmp_path / "b.csv").write_text("user,item\n,4\n1,5\n")
    aside = tmp_path / "q.out"
    data = read_table(str(tmp_path / "*.csv"), on_bad_rows="quarantine", quarantine=aside)
    assert data.notes.refused == {"user is empty": 2}
    rows = pl.read_csv(aside)
    assert rows["path"].to_list() == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert rows["line"].to_list() == [3, 2]


def test_a_later_file_without_the_column_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("user,item\n1,2\n")
    (tmp_path / "b.csv").write_text("userr,item\n1,2\n")
    with pytest.raises(DataError, match="user must be a column of .*b.csv .userr, item."):
        read_table(str(tmp_path / "*.csv"))


def test_times_must_be_of_one_form_in_all_files(tmp_path):
    (tmp_path / "a.csv").write_text("user,item,time\n1,2,1000000000\n")
    (tmp_path / "b.csv").write_text("user,item,time\n1,2,2001-09-09\n")
    with pytest.raises(DataError, match="time must be of one form in all files"):
        read_table(str(tmp_path / "*.csv"))


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "ratings.csv").write_text("user,item\n1,2\n")
    with pytest.raises(DataError, match="Did you mean 'ratings.csv'"):
        find_files(tmp_path / "rating.csv")
    with pytest.raises(DataError, match="path must be files, not a folder"):
        find_files(tmp_path)
    with pytest.raises(InvalidValue, match="path must be a file, a list of files, or a glob"):
        find_files([])
    (tmp_path / "no.parquet").write_text("not parquet at all")
    with pytest.raises(DataError, match="must be a Parquet file"):
        read_table(tmp_path / "no.parquet")


def test_a_side_table_comes_as_it_stands(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text('id,title\n1,"A, b"\n\n2,C\n')
    assert read_columns(path).rows() == [("1", "A, b"), ("2", "C")]
    path.write_text("id,title\n1,A, b\n")
    with pytest.raises(DataError, match="must have one field for each column. Got line 2: '1,A, b'"):
        read_columns(path)
