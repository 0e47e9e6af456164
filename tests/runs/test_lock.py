"""One writer at a time, and no lock that outlives its process."""

import subprocess
import sys

import pytest

from recsmith.errors import RecsmithError
from recsmith.runs.lock import RunIsLocked, only_writer

HOLD = """
import sys, pathlib
from recsmith.runs.lock import only_writer
with only_writer(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_and_a_third_gets_in(tmp_path):
    target = tmp_path / "runs" / "a"
    with (
        only_writer(target),
        pytest.raises(RunIsLocked, match="which another recsmith is writing"),
        only_writer(target),
    ):
        pass
    with only_writer(target):
        pass


def test_no_lock_is_left_behind(tmp_path):
    with only_writer(tmp_path / "a"):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_killed_process_holds_nothing(tmp_path):
    target = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunIsLocked), only_writer(target):
            pass
        holder.kill()
    with only_writer(target):
        pass


def test_a_place_where_nothing_can_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with (
        pytest.raises(
            RecsmithError, match=r"run folder must be where files can be written\. Got .*/x: .*--out"
        ),
        only_writer(tmp_path / "file" / "x"),
    ):
        pass
