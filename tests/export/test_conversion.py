"""Conversion: each encoder in each format gives the model's lists; a few here, the rest behind `slow`."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")
pytest.importorskip("litert_torch", reason="the litert extra is not installed")
pytest.importorskip("onnxscript", reason="the onnx extra is not installed")

from recsmith import Run, load_movielens
from recsmith.export import Bundle, export_model, load_bundle
from recsmith.export.bench import bench
from recsmith.export.verify import verify
from recsmith.models import NextItem, Popular

from .conftest import DATA, ONE, RICH, SETTINGS, SMALL, next_item


@pytest.fixture(scope="module")
def rich():
    return NextItem(**{**SMALL, **RICH}).fit(DATA, run=ONE)


@pytest.fixture(scope="module")
def bundle(rich, tmp_path_factory):
    """A model with features of all kinds, in both formats, with smaller files beside."""
    out = tmp_path_factory.mktemp("bundles") / "rich"
    return export_model(
        rich, out, formats=["litert", "onnx"], quantize="int8", n_histories=200, allow_mismatch=True
    )


def test_float_files_give_the_models_lists(bundle):
    for format in ("litert", "onnx"):
        figures = bundle.model(format).parity
        assert figures.passed and figures.order_equal == figures.n_histories == 200
        assert figures.max_score_difference < 1e-4


def test_one_file_of_each_kind_is_kept_under_its_plain_name(bundle):
    assert {f.path for f in bundle.models} == {
        "model.tflite",
        "model.int8.tflite",
        "model.onnx",
        "model.int8.onnx",
    }
    assert not [f.name for f in bundle.path.iterdir() if "by-table" in f.name]


def test_files_say_nothing_of_where_they_were_made(bundle):
    for spec in bundle.models:
        data = bundle.file(spec).read_bytes()
        assert b"recsmith" not in data and b".py" not in data and b"/src/" not in data


def test_features_go_in_by_name(bundle):
    names = [i.name for i in bundle.model("litert").signatures[0].inputs]
    assert names == ["history", "event_rating", "event_gap", "event_day_of_week"]
    assert [c.name for c in bundle.manifest.features["event"]] == ["rating", "gap", "day_of_week"]


def test_both_runtimes_read_weights_and_times(bundle, rich):
    rows = rich.memory.histories.block(0, 20).as_strangers()
    want = next(rich.top_k(rows, k=20))
    for runtime in ("litert", "onnx"):
        codes, scores = load_bundle(bundle.path, runtime=runtime).on_device(rows, k=20)
        np.testing.assert_array_equal(codes, want.codes)
        np.testing.assert_allclose(scores[codes >= 0], want.scores[codes >= 0], atol=1e-4)


def test_a_batch_gives_what_one_by_one_gives(bundle, rich):
    reader = load_bundle(bundle.path, runtime="litert")
    rows = rich.memory.histories.block(0, 21).as_strangers()
    alone, together = (reader.on_device(rows, signature=s) for s in ("recommend", "recommend_batch"))
    np.testing.assert_array_equal(alone[0], together[0])
    np.testing.assert_allclose(alone[1], together[1], atol=1e-5)


def test_verify_and_bench_know_all_files(bundle):
    found = verify(bundle.path)
    assert [row["file"] for row in found["files"]] == [f.path for f in bundle.models]
    assert all(row["passed"] for row in found["files"] if not row["quantize"])
    for row in bench(bundle.path, calls=10):
        assert row["p50_us"] > 0 and row["batch_us"] > 0 and row["gzip"] > 0
        assert row["p99_us"] >= row["p50_us"] and row["cold_start_ms"] > 0


def test_equal_scores_go_by_code_in_every_runtime(tmp_path):
    """Popularity is full of ties; what a device shows must not depend on whose top-k sorted it."""
    model = Popular().fit(DATA, run=ONE)
    made = export_model(model, tmp_path / "popular", formats=["litert", "onnx"], n_histories=40)
    rows = model.memory.histories.block(0, 8).as_strangers()
    want = next(model.top_k(rows, k=60)).codes
    for runtime in ("litert", "onnx"):
        codes, _ = load_bundle(made.path, runtime=runtime).on_device(rows)
        np.testing.assert_array_equal(codes, want)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", SETTINGS)
def test_every_encoder_in_both_formats_on_a_thousand_histories(encoder, tmp_path):
    settings = {"context_length": 20, "label": {"embedding_dim": 16}, "n_epochs": 1, "learning_rate": 1e-3}
    model = next_item(encoder, **{**settings, "batch_size": 64}).fit(
        load_movielens("latest-small"), run=Run(n_threads=1)
    )
    made = export_model(
        model, tmp_path / "b", formats=["litert", "onnx"], quantize="int8", allow_mismatch=True
    )
    lengths = [len(h) for h in made.parity()["histories"]]
    assert min(lengths) == 0 and 1 in lengths and 200 in lengths and max(lengths) > 200
    for format in ("litert", "onnx"):
        figures = Bundle.open(made.path).model(format).parity
        assert figures.passed and figures.n_histories == figures.order_equal == 1000
        small = made.model(format, quantize="int8")
        assert small.bytes < 0.5 * made.model(format).bytes
