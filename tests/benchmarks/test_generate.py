"""The generator of logs: sizes, no pair twice, seeds, and the shape of its spread."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsmith.data.sources.tables import read_table
from recsmith.data.summary import gini

pytest.importorskip("pyarrow")


def module():
    path = Path(__file__).parents[2] / "benchmarks" / "generate.py"
    found = importlib.util.spec_from_file_location("benchmarks_generate", path)
    loaded = importlib.util.module_from_spec(found)
    import sys

    sys.modules[found.name] = loaded  # dataclasses look their module up
    found.loader.exec_module(loaded)
    return loaded


generate = module()


def together(shape):
    parts = list(generate.blocks(shape))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, len(parts)


def test_a_log_as_asked_for(monkeypatch):
    monkeypatch.setattr(generate, "BLOCK", 4_000)
    shape = generate.Shape(n_events=20_000, n_users=300, n_items=900, seed=3)
    log, n_blocks = together(shape)
    assert n_blocks > 3
    assert len(log["userId"]) == 20_000
    assert len(np.unique(log["userId"])) == 300
    assert len(np.unique(log["userId"] * 1000 + log["movieId"])) == 20_000
    assert set(log["rating"]) <= set(np.arange(1, 11) / 2)
    assert gini(np.bincount(log["movieId"])[1:]) > 0.4
    assert gini(np.bincount(log["userId"])[1:]) > 0.4
    again, _ = together(shape)
    assert all((log[name] == again[name]).all() for name in log)


def test_tastes_are_there_to_be_learnt():
    from recsmith import evaluate, random_holdout
    from recsmith.data.door import read_frame
    from recsmith.models import EASE, Popular

    def ahead(tastes):
        shape = generate.Shape(n_events=20_000, n_users=400, n_items=800, tastes=tastes, noise=0.1, seed=1)
        log, _ = together(shape)
        assert len(np.unique(log["userId"] * 1000 + log["movieId"])) == len(log["userId"]) == 20_000
        columns = {"user": "userId", "item": "movieId", "weight": "rating", "time": "timestamp"}
        split = random_holdout(read_frame(pl.DataFrame(log), **columns), fraction=0.2)
        found = [
            evaluate(model.fit(split.train), split, metrics=["Recall@20"], n_bootstrap=0)["Recall@20"].value
            for model in (EASE(), Popular())
        ]
        return found[0] / found[1]

    assert ahead(0) < 1.1  # nobody's history says anything
    assert ahead(6) > 1.3


def test_it_writes_what_the_door_reads(tmp_path):
    path = tmp_path / "log.parquet"
    assert generate.write(generate.Shape(n_events=5_000, n_users=100, n_items=400), path) == 5_000
    data = read_table(path)
    assert (len(data), data.n_users, data.notes.duplicates) == (5_000, 100, 0)


def test_more_events_than_there_can_be():
    with pytest.raises(SystemExit, match="--events must be between 10 and 30"):
        list(generate.blocks(generate.Shape(n_events=1_000, n_users=10, n_items=9)))
