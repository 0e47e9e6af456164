"""recsmith export and recsmith bundle, as people call them."""

import json

import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")
pytest.importorskip("onnxscript", reason="the onnx extra is not installed")

from recsmith import Run
from recsmith.models import SASRec, UserKNN
from recsmith.testing import toy

from .conftest import call

DATA = toy.tastes(n_users=24, n_items=40)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    SASRec(n_epochs=1, embedding_dim=4, n_blocks=1, context_length=6, batch_size=8).fit(
        DATA, run=Run(n_threads=1)
    ).save(folder / "sasrec")
    UserKNN().fit(DATA).save(folder / "user-knn")
    return folder


@pytest.fixture(scope="module")
def exported(saved):
    """One conversion for all that is asked of it below."""
    found = call("export", saved / "sasrec", "--format", "onnx", "--out", saved / "bundle", "--json")
    assert found.status == 0, found.err
    return saved / "bundle", found.json


def test_export_tells_what_it_wrote(exported):
    bundle, said = exported
    assert said["bundle"] == str(bundle) and said["name"] == "sasrec"
    assert [f["path"] for f in said["files"] if f["format"]] == ["model.onnx"]
    assert said["files"][0]["parity"]["passed"]


def test_inspect(exported):
    bundle, said = exported
    assert call("bundle", "inspect", bundle, "--json").json == said
    shown = call("bundle", "inspect", bundle)
    assert shown.status == 0 and "model.onnx" in shown.out and "int32 [any, 200]" in shown.out


def test_verify(exported):
    bundle, _ = exported
    found = call("bundle", "verify", bundle, "--json")
    assert found.status == 0 and found.json["ok"] and found.json["files"][0]["order_equal"] == 1000
    assert "the same" in call("bundle", "verify", bundle, "--runtime", "onnx").out
    assert call("bundle", "verify", bundle, "--runtime", "litert").status == 2


def test_bench(exported):
    bundle, _ = exported
    found = call("bundle", "bench", bundle, "--calls", "10", "--json")
    assert found.status == 0 and found.json["files"][0]["p50_us"] > 0
    assert "model.onnx" in call("bundle", "bench", bundle, "--calls", "10").out


def test_an_altered_bundle_fails_with_one_sentence(exported, tmp_path):
    import shutil

    bundle = shutil.copytree(exported[0], tmp_path / "b")
    data = bytearray((bundle / "model.onnx").read_bytes())
    data[100] ^= 1
    (bundle / "model.onnx").write_bytes(data)
    found = call("bundle", "verify", bundle)
    assert found.status == 1 and "Got another checksum" in found.err and "Traceback" not in found.err


def test_different_answers_fail(exported, tmp_path):
    """The recorded answers are changed, and the manifest with them: only asking the file shows it."""
    import hashlib
    import shutil

    bundle = shutil.copytree(exported[0], tmp_path / "b")
    parity = json.loads((bundle / "parity.json").read_text(encoding="utf-8"))
    parity["item_ids"] = [list(reversed(ids)) for ids in parity["item_ids"]]
    (bundle / "parity.json").write_text(json.dumps(parity), encoding="utf-8")
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    data = (bundle / "parity.json").read_bytes()
    for spec in manifest["files"]:
        if spec["path"] == "parity.json":
            spec |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = call("bundle", "verify", bundle)
    assert found.status == 1 and "DIFFERENT" in found.out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--format", "tflite"], 2, "litert, onnx, executorch or all"),
        (["--format", "onnx", "--quantize", "int4"], 2, "fp16 or int8"),
        (["--format", "onnx", "--top-k", "0"], 2, "top-k"),
    ],
)
def test_wrong_calls(saved, tmp_path, words, status, said):
    found = call("export", saved / "sasrec", "--out", tmp_path / "b", *words)
    assert found.status == status and said in found.err and not (tmp_path / "b").exists()


def test_a_model_without_a_graph(saved, tmp_path):
    found = call("export", saved / "user-knn", "--format", "onnx", "--out", tmp_path / "b")
    assert found.status == 2 and "histories of everybody in training" in found.err


def test_no_run_there(tmp_path):
    found = call("export", tmp_path / "nowhere", "--out", tmp_path / "b")
    assert found.status == 2 and "must be a run folder" in found.err
