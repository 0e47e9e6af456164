"""The growth benchmark: small here, figures from worked ones, and 25 million within 4 GiB as a slow test."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import growth
import growth_page
from growth_costs import COSTS, Cost

from recsmith import models

RULES = ["leave_last_out", "by_time", "random_holdout", "hold_out_users"]


def measured(tmp_path, *arguments):
    results, folder = tmp_path / "cells.jsonl", tmp_path / "logs"
    command = [sys.executable, growth.__file__, "--results", str(results), "--folder", str(folder)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    return done, [json.loads(line) for line in results.read_text().splitlines()]


def test_each_cell_is_measured_once(tmp_path):
    done, cells = measured(tmp_path, "--sizes", "0.02", "--cells", "data", "Popular", "IALS")
    assert done.returncode == 0, done.stderr
    assert [cell["cell"] for cell in cells] == [*sorted(RULES), "IALS", "Popular"]
    for cell in cells[:4]:
        assert list(cell["steps"]) == ["load", "split", "train matrix", "test matrix"]
        assert cell["shape"]["events"] == 20_000
    for cell in cells[4:]:
        assert list(cell["steps"]) == ["open", "fit", "evaluate"]
        assert 0.05 < cell["idle_gib"] <= cell["steps"]["fit"]["peak_gib"] <= cell["peak_gib"] < 4
        assert cell["judged"] == cell["shape"]["users"] == 130
        assert 0 < cell["figures"]["NDCG@10"] < 1
    again, same = measured(tmp_path, "--sizes", "0.02", "--cells", "Popular", "IALS")
    assert (again.returncode, again.stdout, same) == (0, "", cells)


def test_going_over_the_limit_fails(tmp_path):
    done, cells = measured(tmp_path, "--sizes", "0.02", "--cells", "leave_last_out", "--limit-gib", "0.01")
    assert done.returncode == 1 and len(cells) == 1
    assert (
        "peak memory must stay within 0.01 GiB. Got more, or an end: ['leave_last_out at 0.02" in done.stderr
    )


def test_a_cell_that_dies_is_told_of(tmp_path):
    found = growth.measure("data", "leave_last_out", tmp_path / "nothing", 12.0)
    assert found["peak_gib"] is None and "nothing/log.parquet" in found["died"]
    assert "ended: " in growth_page.line({"millions": 1.0, "cell": "leave_last_out", **found})


def cell(millions, seconds, gib, **more):
    events = millions * 1e6
    shape = {"events": events, "users": events / 100, "items": 100.0, "squares": events * 150}
    steps = {
        name: {"seconds": seconds, "cpu_seconds": seconds, "peak_gib": gib} for name in ("fit", "evaluate")
    }
    found = {"kind": "model", "cell": "EASE", "millions": millions, "shape": shape, "idle_gib": 0.25}
    return {**found, "steps": steps, "peak_gib": gib, **more}


def test_exponents_are_those_of_the_figures_from_a_million_on():
    cells = [cell(m, 2 * m**1.5, 0.25 + 0.1 * m) for m in (1.0, 5.0, 25.0)]
    cells.append(cell(0.1, 99.0, 9.0))  # constants rule here: left out
    square = Cost(time=lambda s: s.events**2, memory=lambda s: s.events, says="events²")
    head, _, row = growth_page.model_rows(cells, {"EASE": square})
    assert "at 0.1, 1, 5, 25 M" in head
    assert row.startswith(
        "| `EASE` | 99, 2, 22.4, 250 | 1.50 | 2.00 | events² | 9, 0.35, 0.75, 2.75 | 1.00 | 1.00"
    )


def test_a_refusal_is_told_and_draws_no_point():
    cells = [cell(m, m, 1 + m) for m in (1.0, 5.0)]
    refused = {**cell(25.0, 1, 1), "steps": {}, "refused": "EASE's memory must be less."}
    rows = growth_page.model_rows([*cells, refused], {"EASE": COSTS["EASE"]})
    assert "1, 5, –" in rows[2]
    assert rows[-1] == "Refused before it started: `EASE` at 25 M: *EASE's memory must be less.*"
    svg = growth_page.picture([*cells, refused], {"EASE": COSTS["EASE"]})
    assert svg.startswith("<svg") and "prefers-color-scheme: dark" in svg and ">EASE<" in svg


def test_names_beside_lines_do_not_cover_each_other():
    ends = [{"model": f"m{n}", "millions": 25, "value": 1 + n / 100} for n in range(9)]
    at = [named["at"] for named in growth_page._names(ends, 0.5, 2.0)]
    pixels = [330 * (a / 0.5) for a in at]
    assert all(b - a > 10 for a, b in pairwise(pixels))


def test_every_model_that_is_measured_is_one():
    assert set(COSTS) <= set(models.MODELS)
    assert growth.model_settings("IALS") == {"n_epochs": 2}
    assert growth.model_settings("EASE") == {}


@pytest.mark.slow
def test_25_million_interactions_within_4_gib(tmp_path):
    done, _ = measured(tmp_path, "--sizes", "25", "--cells", "data", "--limit-gib", "4")
    assert done.returncode == 0, done.stderr
