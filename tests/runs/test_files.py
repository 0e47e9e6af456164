"""Writing aside: the old stays until the new is whole."""

import os

import pytest

from recsmith.errors import InvalidValue
from recsmith.runs import files


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_folder_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "run"
    with files.folder_aside(target) as aside:
        (aside / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_failure_leaves_the_old_folder_and_no_rubbish(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "a").write_text("old")
    with pytest.raises(RuntimeError), files.folder_aside(target) as aside:
        (aside / "a").write_text("new")
        raise RuntimeError
    assert (target / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_replaces_another(tmp_path):
    target = tmp_path / "run"
    for text in ("old", "new"):
        with files.folder_aside(target) as aside:
            (aside / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_rename_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "run"
    target.mkdir()
    (target / "a").write_text("old")
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: _full() if str(a).endswith(".part") else rename(a, b))
    with pytest.raises(OSError, match="No space"), files.folder_aside(target):
        pass
    assert (target / "a").read_text() == "old"


def test_what_a_killed_process_left_is_cleared(tmp_path):
    left = tmp_path / ".run.part"
    left.mkdir()
    (left / "half").write_text("?")
    with files.folder_aside(tmp_path / "run") as aside:
        assert not list(aside.iterdir())


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
