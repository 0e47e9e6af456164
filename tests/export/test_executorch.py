"""ExecuTorch: the file answers as the graph does, read by ExecuTorch's own runtime."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

import torch

from recsmith import Run, load_movielens
from recsmith.errors import MissingExtra, ModelFileError
from recsmith.export import executorch, export_model, load_bundle
from recsmith.export.bench import bench
from recsmith.export.engine_executorch import ExecuTorchEngine
from recsmith.export.graphs import express
from recsmith.export.graphs.base import DeviceParts, Recommend, RecommendAndScores
from recsmith.export.verify import verify
from recsmith.models import NextItem
from recsmith.testing import toy

from .conftest import SETTINGS
from .conftest import next_item as encoder_model

TOY = toy.tastes(n_users=24, n_items=24)
IDS = {"name": "item_id", "type": "int"}
ROWS = [[], [3], [5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8], list(range(24))]


def next_item(encoder: str, dim: int = 4) -> NextItem:
    settings = {"context_length": 5, "n_epochs": 1, "batch_size": 8, "label": {"embedding_dim": dim}}
    group = {"features": [IDS], "encoder": encoder, "n_filters": [4], "kernel_size": 2, "n_blocks": 1}
    return NextItem(activity_groups=[group], **settings).fit(TOY, run=Run(n_threads=1))


def parts_of(model) -> DeviceParts:
    return DeviceParts(Recommend(express(model), torch.from_numpy(model.memory.popularity), k=10))


def check(model, folder) -> None:
    parts = parts_of(model)
    (spec,) = executorch.convert(parts, folder, quantize=None)
    assert [s.name for s in spec.signatures] == ["recommend", "scores"]
    engine = ExecuTorchEngine(folder / "model.pte", spec)
    for _ in range(2):  # nothing is kept from one call to the next
        for row in ROWS:
            history = np.full((1, parts.recommend.graph.history_length), -1, np.int32)
            history[0, : len(row)] = row
            with torch.no_grad():
                expected = RecommendAndScores(parts.recommend)(torch.from_numpy(history))
            found = engine.run(spec.signatures[0], {"history": history})
            np.testing.assert_array_equal(found["item"], expected["item"])
            np.testing.assert_allclose(found["score"], expected["score"], atol=1e-5)
            scores = engine.run(spec.signatures[1], {"history": history})
            np.testing.assert_allclose(scores["scores"], expected["scores"], atol=1e-5)


def test_a_file_answers_as_the_graph(tmp_path):
    pytest.importorskip("executorch.exir", reason="the executorch extra is not installed")
    check(next_item("bow"), tmp_path)


def test_a_bundle_is_verified_timed_and_read_as_a_recommender(tmp_path):
    pytest.importorskip("executorch.exir", reason="the executorch extra is not installed")
    model = next_item("bow", dim=16)
    made = export_model(model, tmp_path / "b", formats=["executorch"], quantize="int8", n_histories=100)
    found = verify(made.path, runtime="executorch")
    assert found["ok"] and [row["file"] for row in found["files"]] == ["model.pte", "model.int8.pte"]
    assert found["files"][0]["order_equal"] == 100
    assert found["files"][1]["max_score_difference"] > 1e-5, "the table is of 8 bits"
    assert made.model("executorch", quantize="int8").bytes < made.model("executorch").bytes
    for row in bench(made.path, calls=10):
        assert row["p50_us"] > 0 and row["cold_start_ms"] > 0 and row["batch_us"] is None
    reader, people = load_bundle(made.path), [model.memory.items.ids.to_list()[:3], []]
    ours, theirs = (one.recommend(histories=people, k=5, unknown="popular") for one in (reader, model))
    assert repr(reader).endswith("'model.pte')") and ours.item_ids == theirs.item_ids


@pytest.mark.slow
@pytest.mark.parametrize("encoder", SETTINGS)
def test_every_encoder_on_a_thousand_histories(tmp_path, encoder):
    pytest.importorskip("executorch.exir", reason="the executorch extra is not installed")
    settings = {"context_length": 10, "label": {"embedding_dim": 16}, "learning_rate": 1e-3, "batch_size": 64}
    model = encoder_model(encoder, **settings).fit(load_movielens("latest-small"), run=Run(n_threads=1))
    made = export_model(model, tmp_path / "b", formats=["executorch"], quantize="int8", allow_mismatch=True)
    whole, small = made.model("executorch"), made.model("executorch", quantize="int8")
    assert whole.parity.passed and whole.parity.n_histories == whole.parity.order_equal == 1000
    assert small.bytes < 0.5 * whole.bytes and small.parity.overlap > 0.9


def test_without_the_package_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "executorch.exir", None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsmith\[executorch\]'"):
        executorch.ready()


def test_what_is_no_program_is_said(tmp_path):
    pytest.importorskip("executorch.runtime", reason="the executorch extra is not installed")
    from recsmith.export.manifest import FileSpec

    file = tmp_path / "model.pte"
    file.write_bytes(b"not a program")
    spec = FileSpec(path=file.name, role="recommend", format="executorch", bytes=13, sha256="")
    with pytest.raises(ModelFileError, match="must be an ExecuTorch program"):
        ExecuTorchEngine(file, spec)
