"""Top-100 of TFRS's tutorials, against a plain count; the vectors that indexes are measured on."""

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run, random_holdout  # noqa: E402
from recsmith.models import TwoTower  # noqa: E402
from recsmith.testing import toy  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import index_bench  # noqa: E402
import tfrs_ml100k  # noqa: E402


def test_top_100_is_a_count_over_test_events(monkeypatch):
    split = random_holdout(toy.tastes(), fraction=0.2)
    model = TwoTower(output_dim=4, embedding_dim=4, n_epochs=1, history_length=0, context=("hour_of_day",))
    model.fit(split.train, run=Run(seed=0))
    monkeypatch.setattr(tfrs_ml100k, "BLOCK", 7)
    monkeypatch.setattr(tfrs_ml100k, "N_BEST", 3)
    found = tfrs_ml100k.top_100(model, split)
    hits = []
    histories = split.train.histories()
    for user, item, time in zip(split.test.user, split.test.item, split.test.time, strict=True):
        row = histories.take(np.array([user]))
        row.time[-1:] = time
        score = model._score(row)[0]
        hits.append((score > score[item]).sum() < 3)
    assert found["top-100"] == pytest.approx(np.mean(hits))


def test_vectors_are_of_length_one_and_repeatable():
    vectors = index_bench.vectors(50, 8, seed=1)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors, index_bench.vectors(50, 8, seed=1))
    assert not np.allclose(vectors, index_bench.queries(50, 8, seed=1))
