"""JSON lines: values of any plain kind, and lines that are no JSON."""

import gzip

import pytest

from recsmith.data.sources.tables import read_table
from recsmith.errors import BadRows, DataError


@pytest.fixture
def file(tmp_path):
    def write(content, name="log.jsonl"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


GOOD = '{"user": 1, "item": "a", "rating": 3}\n{"user": 2, "item": "b", "rating": 4.5, "more": [1, 2]}\n'


def test_a_good_file(file):
    data = read_table(file(GOOD))
    assert data.users.ids.to_list() == [1, 2]
    assert data.interactions.weight.tolist() == [3.0, 4.5]


def test_gzip_and_other_encodings(file):
    assert len(read_table(file(gzip.compress(GOOD.encode()), "log.jsonl.gz"))) == 2
    assert len(read_table(file(GOOD.encode("utf-16")))) == 2


def test_numbers_and_strings_of_one_id_are_one_id(file):
    data = read_table(file('{"user": 1, "item": "5"}\n{"user": "1", "item": 6}\n'))
    assert (data.users.ids.to_list(), data.items.ids.to_list()) == ([1], [5, 6])


def test_a_rating_that_is_text_is_refused_by_line_also_after_a_blank_line(file):
    path = file('{"user": 1, "item": "a", "rating": 3}\n\n{"user": 2, "item": "b", "rating": "good"}\n')
    with pytest.raises(BadRows, match="line 3: rating is not a number"):
        read_table(path)


def test_a_line_that_is_no_object_is_refused_by_line(file):
    path = file('{"user": 1, "item": "a"}\n{"user": 2, "it\n[1, 2]\n{"user": 3, "item": "c"}\n')
    with pytest.raises(BadRows) as error:
        read_table(path)
    assert "2 × not a JSON object" in str(error.value)
    assert "line 2: not a JSON object" in str(error.value)
    assert "line 3: not a JSON object" in str(error.value)


def test_a_file_cut_in_the_middle_of_a_line(file, tmp_path):
    path = file('{"user": 1, "item": "a"}\n{"user": 2, "it')
    with pytest.raises(BadRows, match="line 2: the file ends in the middle of this line"):
        read_table(path)
    data = read_table(path, on_bad_rows="quarantine", quarantine=tmp_path / "q.csv")
    assert len(data) == 1


def test_empty_or_no_json_at_all(file):
    with pytest.raises(DataError, match="Got an empty file"):
        read_table(file(""))
    with pytest.raises(DataError, match="must be JSON lines. Got no line that is a JSON object"):
        read_table(file("user,item\n1,2\n"))
