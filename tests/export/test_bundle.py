"""Bundles: a changed byte is found, files that do not belong together too, and nothing outside is read."""

import json
import shutil

import pytest

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.export.bundle import Bundle, described
from recsmith.export.engines import open_engine
from recsmith.export.manifest import MANIFEST


def test_an_intact_bundle_opens(onnx_bundle):
    bundle = Bundle.open(onnx_bundle)
    assert [f.path for f in bundle.models] == ["model.onnx"]
    assert bundle.catalogue()["item_id"] and len(bundle.catalogue()["popularity"]) == bundle.manifest.n_items
    assert {f.path for f in bundle.manifest.files} | {MANIFEST} == {f.name for f in onnx_bundle.iterdir()}


@pytest.mark.parametrize("name", ["model.onnx", "catalogue.json", "parity.json", "README.md"])
def test_one_changed_byte_is_found(copied, name):
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(ModelFileError, match=f"{name} must be the file that manifest.json names"):
        Bundle.open(copied)


def test_a_missing_file_is_found(copied):
    (copied / "model.onnx").unlink()
    with pytest.raises(ModelFileError, match="must hold model.onnx. Got no such file"):
        Bundle.open(copied)


def test_another_models_file_is_found_even_with_its_own_checksum(copied, tmp_path):
    """A manifest written for one model and a file of another: the names inside do not fit."""
    bundle = Bundle.open(copied)
    spec = bundle.model("onnx")
    wrong = spec.signatures[0].model_copy(
        update={"inputs": (spec.signatures[0].inputs[0].model_copy(update={"name": "something_else"}),)}
    )
    with pytest.raises(ModelFileError, match="The file belongs to another bundle"):
        open_engine(bundle.file(spec), spec.model_copy(update={"signatures": (wrong,)}))


def test_a_file_that_is_no_model_is_said(copied):
    (copied / "model.onnx").write_bytes(b"nothing of the kind")
    spec = described(copied / "model.onnx", "recommend", format="onnx")
    with pytest.raises(ModelFileError, match="must be an ONNX model"):
        open_engine(copied / "model.onnx", spec)


def test_paths_that_leave_the_folder_are_refused(copied):
    file = copied / MANIFEST
    text = json.loads(file.read_text(encoding="utf-8"))
    text["files"][0]["path"] = "../secret"
    file.write_text(json.dumps(text), encoding="utf-8")
    with pytest.raises(ModelFileError, match="must be a plain name"):
        Bundle.open(copied)


def test_what_is_no_bundle_is_said(tmp_path):
    with pytest.raises(InvalidValue, match="bundle must be a folder"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match="must be a bundle. Got no manifest.json there"):
        Bundle.open(tmp_path)


def test_a_file_that_the_bundle_lacks_is_named(onnx_bundle):
    with pytest.raises(InvalidValue, match=r"the bundle has \(onnx float32\). Got 'recommend, litert, int8'"):
        Bundle.open(onnx_bundle).model("litert", quantize="int8")


def test_a_bundle_moves(onnx_bundle, tmp_path):
    Bundle.open(shutil.copytree(onnx_bundle, tmp_path / "elsewhere")).check()
