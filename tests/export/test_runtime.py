"""Bundles read back: a Recommender like any other, without torch, whatever a caller gives it."""

import subprocess
import sys

import numpy as np
import pytest

from recsmith import evaluate, leave_last_out
from recsmith.data import Histories
from recsmith.errors import InvalidValue, UnknownId
from recsmith.export import load_bundle
from recsmith.export.engines import PACKAGE

from .conftest import DATA


@pytest.fixture(scope="module")
def reader(onnx_bundle):
    return load_bundle(onnx_bundle, runtime="onnx")


IDS = DATA.items.ids.to_list()
HISTORIES = [IDS[:1], IDS[3:9], IDS[10:40], [IDS[7], "nobody knows this", IDS[2]]]


def test_it_recommends_what_the_model_does(reader, model):
    ours, theirs = (m.recommend(histories=HISTORIES, k=15) for m in (reader, model))
    assert ours.item_ids == theirs.item_ids
    for a, b in zip(ours.scores, theirs.scores, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_filters_and_scores_work_as_with_any_model(reader, model):
    some = IDS[:20]
    asked = {"histories": HISTORIES, "k": 5, "candidates": some, "exclude_seen": False}
    assert reader.recommend(**asked).item_ids == model.recommend(**asked).item_ids
    np.testing.assert_allclose(
        reader.score(histories=HISTORIES, item_ids=some),
        model.score(histories=HISTORIES, item_ids=some),
        atol=1e-4,
    )


def test_the_device_gives_the_same_lists(reader, model):
    rows = reader.memory.of_items(HISTORIES)
    codes, scores = reader.on_device(rows, k=10)
    assert codes.dtype == np.int32 and scores.dtype == np.float32
    for row, ids in enumerate(model.recommend(histories=HISTORIES, k=10).item_ids):
        assert tuple(reader.memory.items.decode(codes[row][codes[row] >= 0])) == ids


def test_nothing_is_kept_between_calls(reader):
    rows = [reader.memory.of_items([history]) for history in HISTORIES]
    first = [reader.on_device(row) for row in rows]
    for row, (codes, scores) in reversed(list(zip(rows, first, strict=True))):
        again = reader.on_device(row)
        np.testing.assert_array_equal(again[0], codes)
        np.testing.assert_array_equal(again[1], scores)


def test_a_history_of_unknown_ids_alone_is_popular(reader, model):
    strange = [["nobody knows this"], []]
    with pytest.raises(UnknownId):
        reader.recommend(histories=strange)
    want = model.recommend(histories=strange, unknown="popular", k=8).item_ids
    assert reader.recommend(histories=strange, unknown="popular", k=8).item_ids == want
    codes, _ = reader.on_device(reader.memory.of_items(strange), k=8)
    assert tuple(tuple(reader.memory.items.decode(row)) for row in codes) == want


def test_longer_lists_than_the_files_are_refused_or_ranked(reader):
    rows = reader.memory.of_items(HISTORIES)
    with pytest.raises(InvalidValue, match="from 1 to the file's top_k, 60. Got 61"):
        reader.on_device(rows, k=61)
    with pytest.raises(InvalidValue, match="k must be"):
        reader.on_device(rows, k=0)
    assert max(map(len, reader.recommend(histories=HISTORIES, k=1000).item_ids)) <= 60


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("history", np.full((1, 200), -1, np.int64), "int32 .1, 200.. Got 'int64"),
        ("history", np.full((1, 10), -1, np.int32), "Got 'int32 .1, 10."),
        ("context_mood", np.zeros((1, 1), np.int32), "input must be one of history"),
    ],
)
def test_inputs_of_another_kind_are_named(reader, name, value, said):
    given = {"history": np.full((1, 200), -1, np.int32), name: value}
    with pytest.raises(InvalidValue, match=said):
        reader.call("recommend", given)


def test_a_signature_that_is_not_there_is_named(reader):
    with pytest.raises(InvalidValue, match=r"one that model.onnx has \(recommend, scores\)"):
        reader.call("rank", {"history": np.full((1, 200), -1, np.int32)})


def test_events_beyond_the_files_length_stay_off_the_list(reader):
    many = np.tile(np.arange(58, dtype=np.int32), 5)
    rows = Histories(np.array([0, len(many)]), many, np.ones(len(many), np.float32), np.array([-1], np.int32))
    codes, _ = reader.on_device(rows)
    assert not set(codes[0].tolist()) & set(many.tolist())


def test_nobody_at_all(reader):
    codes, scores = reader.on_device(reader.memory.of_items([]))
    assert codes.shape == scores.shape == (0, 60)


def test_it_is_evaluated_like_a_model(reader, model):
    split = leave_last_out(DATA)
    ours, theirs = (evaluate(m, split, metrics=["NDCG@10"], n_bootstrap=0) for m in (reader, model))
    assert ours.to_dict() == theirs.to_dict()


def test_it_says_why(reader, model):
    item = model.recommend(histories=[IDS[3:9]], k=1).item_ids[0][0]
    ours, theirs = (m.explain(None, item, history=IDS[3:9]) for m in (reader, model))
    assert [r.item_id for r in ours.because] == [r.item_id for r in theirs.because]
    assert ours.score == pytest.approx(theirs.score, abs=1e-4)


def test_it_is_neither_fitted_nor_saved(reader, tmp_path):
    with pytest.raises(InvalidValue, match="made by exporting"):
        type(reader)().fit(DATA)
    with pytest.raises(InvalidValue, match="copied as the folder"):
        reader.save(tmp_path / "model")


def test_a_runtime_that_is_not_installed_names_the_cure(onnx_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE["onnx"][0], None)
    with pytest.raises(ImportError, match=r"pip install 'recsmith\[onnx-runtime\]'"):
        load_bundle(onnx_bundle, runtime="onnx")


def test_torch_is_not_needed(onnx_bundle):
    """In a process of its own, where importing torch, onnx or an exporter would fail."""
    program = f"""
import sys
for name in ("torch", "onnx", "onnxscript", "litert_torch", "executorch", "jax", "tensorflow"):
    sys.modules[name] = None
from recsmith.export import load_bundle
from recsmith.export.verify import verify
model = load_bundle({str(onnx_bundle)!r})
assert len(model.recommend(histories=[[{IDS[0]!r}]], k=3).item_ids[0]) == 3
assert verify({str(onnx_bundle)!r}, runtime="onnx")["ok"]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
