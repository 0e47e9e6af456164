"""The command as a process of its own: signals, pipes, full disks, two at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RECSMITH = [sys.executable, "-m", "recsmith.cli.main"]

SLOW = '''"""A model that waits in its fourth epoch when HOLD names a folder."""
import os, pathlib, time
import numpy as np
from recsmith.config import Config
from recsmith.models import Recommender
from recsmith.rng import generator

class SlowConfig(Config):
    n_epochs: int = 12

class Slow(Recommender):
    Config = SlowConfig
    state_names = ("score_I",)
    def _fit(self, data, run):
        start = {"score_I": np.zeros(data.n_items, np.float32)} if run.state is None else run.state
        self.score_I = np.array(start["score_I"])
        for epoch in run.epochs(self.config.n_epochs, "Slow"):
            self.score_I += generator(run.seed, "slow", epoch).random(data.n_items, np.float32)
            run.log(total=float(self.score_I.sum()))
            hold = os.environ.get("HOLD")
            if hold and epoch == 3:
                (pathlib.Path(hold) / "reached").touch()
                while not (pathlib.Path(hold) / "go").exists():
                    time.sleep(0.02)
    def _score(self, histories):
        return np.tile(self.score_I, (len(histories), 1))
'''
TRAIN = ["train", "shop.toml", "--set", "model={class='slow_shop_model.Slow'}", "--no-report"]


def start(*words: str, hold: Path | None = None, path: str = "") -> "subprocess.Popen[str]":
    environment = dict(os.environ)
    if hold is not None:
        environment["HOLD"] = str(hold)
    if path:
        environment["PYTHONPATH"] = path
    return subprocess.Popen(
        [*RECSMITH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_until_it_holds(process: "subprocess.Popen[str]", hold: Path) -> None:
    """Waits until a training stands in its fourth epoch."""
    for _ in range(6000):
        if (hold / "reached").exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("it never began to fit")


@pytest.fixture
def slow_shop(shop: Path) -> Path:
    (shop / "slow_shop_model.py").write_text(SLOW, encoding="utf-8")
    return shop


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_keeps_what_is_done_and_resume_ends_as_if_nothing_had_happened(slow_shop):
    training = start(*TRAIN, "--out", "stopped", hold=slow_shop)
    wait_until_it_holds(training, slow_shop)
    training.send_signal(signal.SIGINT)
    (slow_shop / "go").touch()
    status, out, err = finish(training)
    assert status == 130
    assert out == ""
    assert "Stopped after epoch 4" in err
    assert "Go on with: recsmith train --resume stopped" in err
    assert "Traceback" not in err

    status, out, err = finish(start("train", "--resume", "stopped", "--no-report", "--json"))
    assert status == 0, err
    whole_status, whole_out, _ = finish(start(*TRAIN, "--out", "whole", "--json"))
    assert whole_status == 0
    assert json.loads(out)["metrics"] == json.loads(whole_out)["metrics"]
    weights = "model/arrays.safetensors"
    assert (slow_shop / "stopped" / weights).read_bytes() == (slow_shop / "whole" / weights).read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="has no kill -9")
def test_a_killed_training_goes_on_from_its_last_checkpoint(slow_shop):
    (slow_shop / "sitecustomize.py").write_text(
        "import recsmith.runs.checkpoint as c\nc.SECONDS_BETWEEN = 0.0\n", encoding="utf-8"
    )
    training = start(*TRAIN, "--out", "killed", hold=slow_shop, path=str(slow_shop))
    wait_until_it_holds(training, slow_shop)
    training.kill()
    assert finish(training)[0] == -signal.SIGKILL
    assert not (slow_shop / "killed").exists()
    status, out, err = finish(start("train", "--resume", "killed", "--no-report", "--json"))
    assert status == 0, err
    assert "from epoch 4 on" in err
    whole = json.loads(finish(start(*TRAIN, "--out", "whole", "--json"))[1])
    assert json.loads(out)["metrics"] == whole["metrics"]
    assert not list(slow_shop.glob(".killed*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_two_at_once_to_the_same_folder_are_refused(slow_shop):
    first = start(*TRAIN, "--out", "same", hold=slow_shop)
    wait_until_it_holds(first, slow_shop)
    status, _, err = finish(start(*TRAIN, "--out", "same"))
    assert status == 1
    assert "which another recsmith is writing" in err
    (slow_shop / "go").touch()
    assert finish(first)[0] == 0


def test_json_is_the_only_thing_on_stdout(shop):
    status, out, err = finish(
        start("train", "shop.toml", "--out", "x", "--no-report", "--progress", "--json")
    )
    assert status == 0
    assert json.loads(out)["model"] == "ItemKNN"
    assert "Evaluating" in err


@pytest.mark.skipif(os.name == "nt", reason="uses head")
def test_a_reader_that_goes_away_is_no_error(shop):
    words = " ".join([*RECSMITH, "recommend", "--model", "runs/shop", "--json", "-k", "40"])
    users = " ".join(f"--user {user}" for user in range(1, 61))
    done = subprocess.run(
        f"{words} {users} | head -c 1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{"
    assert done.stderr == ""


def test_an_interrupt_elsewhere_is_130_with_a_word(shop, recsmith, monkeypatch):
    from recsmith.runs import lists

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lists, "open_model", interrupted)
    result = recsmith("similar", "--model", "runs/shop", "--item", "i001")
    assert result.status == 130
    assert result.err.strip() == "Stopped."


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a small disk here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_full_disk_leaves_the_old_run_and_no_rubbish(shop, recsmith, small_disk):
    run = small_disk / "run"
    words = ("train", "shop.toml", "--out", str(run), "--no-report")
    assert recsmith(*words).status == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    big = ("--set", "model={class='FunkSVD', embedding_dim=2000, n_epochs=1}", "--overwrite")
    result = recsmith(*words, *big)
    assert result.status == 1
    assert "No space left on device" in result.err
    assert "Traceback" not in result.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert [path.name for path in small_disk.iterdir()] == ["run"]
    assert recsmith("recommend", "--model", str(run), "--user", "1").status == 0
