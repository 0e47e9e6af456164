"""Making a bundle: whole or not at all, only with the model's own answers, and a cure for every refusal."""

import errno
import json
import shutil
import sys

import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue, MissingExtra
from recsmith.export import export_model, load_bundle
from recsmith.export import make as making
from recsmith.export.bundle import Bundle, described
from recsmith.export.verify import verify
from recsmith.models import UserKNN

from .conftest import DATA, ONE, next_item


@pytest.fixture
def of_another_model(onnx_bundle, monkeypatch):
    """An exporter that writes the file of a model with other weights."""
    spec = Bundle.open(onnx_bundle).model("onnx")

    def convert(parts, folder, *, quantize):
        shutil.copy(onnx_bundle / spec.path, folder / spec.path)
        return [described(folder / spec.path, "recommend", format="onnx", signatures=spec.signatures)]

    monkeypatch.setattr(making, "_writer", lambda format: convert)
    return next_item("transformer", learning_rate=0.5).fit(DATA, run=ONE)


def nothing_left(folder):
    return list(folder.iterdir()) == []


def test_other_answers_are_refused(of_another_model, tmp_path):
    with pytest.raises(
        making.ParityFailed, match="lists in the same order.*Nothing was written.*--allow-mis"
    ):
        export_model(of_another_model, tmp_path / "b", formats=["onnx"], n_histories=60)
    assert nothing_left(tmp_path)


def test_other_answers_can_be_allowed_and_are_told(of_another_model, tmp_path):
    bundle = export_model(
        of_another_model, tmp_path / "b", formats=["onnx"], n_histories=60, allow_mismatch=True
    )
    assert bundle.manifest.mismatch_allowed
    figures = bundle.model("onnx").parity
    assert not figures.passed and figures.order_equal < 60
    assert not verify(tmp_path / "b")["ok"]
    assert "mismatch" in (tmp_path / "b" / "README.md").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    ("passing", "kept"), [("abc", b"b"), ("ac", b"cc"), ("a", b"aaa"), ("", b"b")], ids=str
)
def test_of_several_smaller_files_the_smallest_that_passes_is_kept(
    passing, kept, onnx_bundle, tmp_path, monkeypatch
):
    manifest = Bundle.open(onnx_bundle).manifest
    figures = manifest.files[0].parity
    passed, specs = {}, []
    for name, data in (("int8", b"aaa"), ("int8-by-table", b"b"), ("int8-stored", b"cc")):
        file = tmp_path / f"model.{name}.onnx"
        file.write_bytes(data)
        passed[file.name] = data.decode()[0] in passing
        specs.append(described(file, "recommend", format="onnx", quantize="int8"))
    monkeypatch.setattr(
        making,
        "figures_of",
        lambda bundle, spec, *rest, **more: figures.model_copy(update={"passed": passed[spec.path]}),
    )
    bundle = Bundle(tmp_path, manifest.model_copy(update={"files": tuple(specs)}))
    (best,) = making._judged(bundle, None, None)
    assert best.path == "model.int8.onnx" and best.parity.passed == bool(passing)
    assert [file.name for file in tmp_path.iterdir()] == ["model.int8.onnx"]
    assert (tmp_path / "model.int8.onnx").read_bytes() == kept


def test_a_full_disk_leaves_no_half_bundle(model, tmp_path, monkeypatch):
    def convert(parts, folder, *, quantize):
        (folder / "model.onnx").write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "_writer", lambda format: convert)
    with pytest.raises(OSError, match="No space left"):
        export_model(model, tmp_path / "b", formats=["onnx"], n_histories=20)
    assert nothing_left(tmp_path)


def test_a_bundle_that_was_there_survives_a_failure(copied, of_another_model):
    before = {f.name: f.read_bytes() for f in copied.iterdir()}
    with pytest.raises(making.ParityFailed):
        export_model(of_another_model, copied, formats=["onnx"], n_histories=60, overwrite=True)
    assert {f.name: f.read_bytes() for f in copied.iterdir()} == before
    assert [f.name for f in copied.parent.iterdir()] == [copied.name]


@pytest.mark.parametrize(
    ("format", "module"),
    [("litert", "litert_torch"), ("onnx", "onnxscript"), ("executorch", "executorch.exir")],
)
def test_an_exporter_that_is_not_installed_names_the_cure(format, module, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"Run: pip install 'recsmith\[{format}\]'"):
        export_model(model, tmp_path / "b", formats=[format])
    assert nothing_left(tmp_path)
    assert format in making.missing()


def test_a_model_without_a_graph_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "_writer", lambda format: None)
    with pytest.raises(InvalidValue, match="histories of everybody in training"):
        export_model(UserKNN().fit(DATA, run=ONE), tmp_path / "b", formats=["onnx"])
    assert nothing_left(tmp_path)


def test_a_folder_with_something_else_is_left_alone(model, copied, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(InvalidValue, match="out must be a new folder"):
        export_model(model, tmp_path / "mine", formats=["onnx"], overwrite=True)
    with pytest.raises(InvalidValue, match="Add overwrite to replace a bundle"):
        export_model(model, copied, formats=["onnx"])


@pytest.mark.parametrize(
    ("asked", "said"), [({"formats": ["tflite"]}, "one of litert, onnx, executorch"), ({"k": 0}, "1 or more")]
)
def test_wrong_calls_are_named(asked, said, model, tmp_path, monkeypatch):
    if "k" in asked:
        monkeypatch.setattr(making, "_writer", lambda format: None)
    with pytest.raises(InvalidValue, match=said):
        export_model(model, tmp_path / "b", **asked)


def test_the_manifest_tells_what_a_reader_needs(onnx_bundle, model):
    manifest = Bundle.open(onnx_bundle).manifest
    assert (manifest.history_length, manifest.context_length, manifest.top_k) == (200, 6, 60)
    assert manifest.liked_weight == model.memory.liked_weight
    assert {"recsmith", "torch", "onnx"} <= set(manifest.created_by)
    assert manifest.empty_history == "popular" and not manifest.score.calibrated
    recorded = json.loads((onnx_bundle / "parity.json").read_text(encoding="utf-8"))
    assert len(recorded["histories"]) == 200 and recorded["made_with"] == manifest.created_by


def test_the_catalogue_has_every_column(onnx_bundle, model):
    columns = Bundle.open(onnx_bundle).catalogue()
    table = model.memory.catalogue
    assert set(columns) == {*table.columns, "popularity"}
    assert columns["genres"] == table["genres"].to_list()
    assert load_bundle(onnx_bundle).memory.catalogue["title"].to_list() == table["title"].to_list()
