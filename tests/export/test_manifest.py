"""The manifest: its JSON Schema is the one shipped, every bundle follows it, newer ones are refused."""

import json

import pytest

from recsmith.errors import ModelFileError
from recsmith.export.manifest import MANIFEST, SCHEMA, json_schema, read_manifest


def edited(bundle, **changes):
    file = bundle / MANIFEST
    described = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**described, **changes}), encoding="utf-8")
    return file


def test_the_shipped_schema_is_the_models_own():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_a_bundle_follows_the_schema(onnx_bundle):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    described = json.loads((onnx_bundle / MANIFEST).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(described)


def test_writing_and_reading_give_the_same(onnx_bundle, tmp_path):
    manifest = read_manifest(onnx_bundle / MANIFEST)
    (tmp_path / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    assert read_manifest(tmp_path / MANIFEST) == manifest


def test_a_newer_schema_names_the_cure(copied):
    with pytest.raises(ModelFileError, match="schema_version 1 or lower. Got 2. Upgrade: pip install -U"):
        read_manifest(edited(copied, schema_version=2))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"top_k": "many"}, "top_k"),
        ({"surprise": 1}, "surprise"),
        ({"schema_version": None}, "schema_version"),
    ],
)
def test_what_is_wrong_is_named(copied, changes, said):
    with pytest.raises(ModelFileError, match=said):
        read_manifest(edited(copied, **changes))


def test_a_manifest_cut_short_is_refused(copied):
    text = (copied / MANIFEST).read_text(encoding="utf-8")
    (copied / MANIFEST).write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ModelFileError, match="cut short or altered"):
        read_manifest(copied / MANIFEST)
