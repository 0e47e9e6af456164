"""The small files of a run folder."""

import pytest

from recsmith.errors import InvalidValue
from recsmith.runs import files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "m.json"
    files.write_json(target, {"a": 1})
    with pytest.raises(TypeError):
        files.write_json(target, {"a": object()})
    assert files.read_json(target) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_what_is_there_is_not_replaced_unasked(tmp_path):
    with pytest.raises(InvalidValue, match="--overwrite replaces it"):
        files.refuse_existing(tmp_path, overwrite=False)
    files.refuse_existing(tmp_path, overwrite=True)
