"""The scale benchmark: small here, and 25 million interactions within 4 GiB where slow tests run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale.py"


def measured(*arguments):
    command = [sys.executable, str(SCRIPT), "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_measures_every_split_and_step():
    done = measured("--events", "50000")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [r["rule"] for r in results] == ["leave_last_out", "by_time", "random_holdout", "hold_out_users"]
    for result in results:
        assert list(result["steps"]) == ["load", "split", "train matrix", "test matrix"]
        assert result["shape"]["n_interactions"] == 50_000
        assert 0 < result["peak_gib"] < 4


def test_going_over_the_limit_fails():
    done = measured("--events", "20000", "--limit-gib", "0.01")
    assert done.returncode == 1
    assert "peak memory must stay within 0.01 GiB" in done.stderr


@pytest.mark.slow
def test_25_million_interactions_within_4_gib():
    done = measured("--events", "25000000", "--limit-gib", "4")
    assert done.returncode == 0, done.stderr
