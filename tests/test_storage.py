"""Writing aside: the old stays until the new is whole."""

import os

import pytest

from recsmith.storage import file_aside, folder_aside


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_folder_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "run"
    with folder_aside(target) as aside:
        (aside / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_failure_leaves_the_old_folder_and_no_rubbish(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "a").write_text("old")
    with pytest.raises(RuntimeError), folder_aside(target) as aside:
        (aside / "a").write_text("new")
        raise RuntimeError
    assert (target / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_replaces_another(tmp_path):
    target = tmp_path / "run"
    for text in ("old", "new"):
        with folder_aside(target) as aside:
            (aside / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_rename_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "run"
    target.mkdir()
    (target / "a").write_text("old")
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: _full() if str(a).endswith(".part") else rename(a, b))
    with pytest.raises(OSError, match="No space"), folder_aside(target):
        pass
    assert (target / "a").read_text() == "old"


def test_what_a_killed_process_left_is_cleared(tmp_path):
    left = tmp_path / ".run.1234.part"
    left.mkdir()
    (left / "half").write_text("?")
    with folder_aside(tmp_path / "run", sole_writer=True) as aside:
        assert not list(aside.iterdir())


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    with file_aside(target) as aside:
        aside.write_text("old")
    with pytest.raises(RuntimeError), file_aside(target) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]
