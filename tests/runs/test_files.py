"""The small files of a run folder."""

import pytest

from recsmith.errors import InvalidValue, RecsmithError
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


def test_only_a_run_may_be_replaced(tmp_path):
    files.refuse_what_is_no_run(tmp_path / "new")
    files.refuse_what_is_no_run(tmp_path)
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    for theirs in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(InvalidValue, match="must be a new path, or a run to replace"):
            files.refuse_what_is_no_run(theirs)
    files.write_json(tmp_path / files.STATUS, {"state": "done"})
    files.refuse_what_is_no_run(tmp_path)


@pytest.mark.parametrize("text", ['{"state": "do', "[1, 2]", "\x00"])
def test_an_altered_file_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(RecsmithError, match=r"run\.json must .*JSON"):
        files.read_json(tmp_path / "run.json")
