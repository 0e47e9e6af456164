"""The guide's programs for apps: Python runs; what Kotlin and Swift read is what the manifest has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from recsmith.export.manifest import FileSpec, Manifest, SignatureSpec, TensorSpec, json_schema

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "on-device-apps.md"
FIELDS = {name for part in (Manifest, FileSpec, SignatureSpec, TensorSpec) for name in part.model_fields}
CATALOGUE = {"item_id", "title"}


def snippet(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.S | re.M)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def recommend() -> SignatureSpec:
    """The signature that a bundle of a small model has."""
    pytest.importorskip("torch", reason="the neural extra is not installed")
    from recsmith.export.graphs import express
    from recsmith.export.graphs.base import DeviceParts, Recommend
    from recsmith.export.signatures import recommend_spec
    from recsmith.models import Popular
    from recsmith.testing import toy

    model = Popular().fit(toy.tastes(n_users=10, n_items=20))
    graph = express(model)
    import torch

    parts = DeviceParts(Recommend(graph, torch.zeros(20), k=5))
    return recommend_spec(parts, name="recommend", batch=1)


def test_kotlin_reads_fields_that_there_are() -> None:
    read = set(re.findall(r'\.(?:get|opt)(?:Int|Double|String|JSONArray)\("(\w+)"', snippet("kotlin")))
    read |= set(re.findall(r'isNull\("(\w+)"\)', snippet("kotlin")))
    assert {"schema_version", "history_length", "top_k", "signatures"} <= read
    assert read <= FIELDS | CATALOGUE


def test_swift_reads_fields_that_there_are() -> None:
    code = snippet("swift")
    parts = {"Tensor": TensorSpec, "Signature": SignatureSpec, "File": FileSpec}
    for name, part in parts.items():
        body = re.search(rf"struct {name}: Decodable \{{(.*)\}}", code)
        assert body
        fields = re.findall(r"let `?(\w+)`?:", body[1])
        assert fields
        assert set(fields) <= set(part.model_fields), name
    whole = re.search(r"let schema_version.*", code)
    assert whole
    fields = re.findall(r"(\w+): (?:Int|Float|Int32)", whole[0])
    assert {"schema_version", "padding", "liked_weight"} <= set(fields) <= set(Manifest.model_fields)
    catalogue = re.search(r"struct Catalogue: Decodable \{(.*)\}", code)
    assert catalogue
    assert set(re.findall(r"let (\w+):", catalogue[1])) == CATALOGUE


@pytest.mark.parametrize("language", ["kotlin", "swift"])
def test_they_call_the_signature_that_is_written(language: str, recommend: SignatureSpec) -> None:
    code = snippet(language)
    outputs = {o.name: o for o in recommend.outputs}
    asked = set(re.findall(r'"(item|score|scores)"', code))
    assert asked == set(outputs)
    assert (outputs["item"].dtype, outputs["score"].dtype) == ("int32", "float32")
    # Both lists are as long as the manifest's top_k says; both programs take the batch off the shape.
    assert {o.shape for o in recommend.outputs} == {(1, 5)}
    for one in recommend.inputs:
        assert len(one.shape) == 2
        assert f'"{one.name}"' in code
        # In Kotlin an IntBuffer, in Swift an Int32 array, for the history alone.
        assert one.dtype == ("int32" if one.name == "history" else "float32")
    assert recommend.name == "recommend"
    assert f'"{recommend.name}"' in code
    assert '"weight"' in code


@pytest.mark.parametrize("language", ["kotlin", "swift"])
def test_the_words_that_they_compare_with_are_the_schema_s(language: str) -> None:
    code, schema = snippet(language), json.dumps(json_schema())
    for word in ("recommend", "litert", "int32"):
        assert f'"{word}"' in code
        assert f'"{word}"' in schema
    # What both refuse is what the reader in Python refuses.
    assert "schema_version" in code
    assert re.search(r"schema_version\W+<= 1", code.replace('")', ""))


def test_python_without_recsmith_gives_the_bundle_s_lists(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="the litert extra is not installed")
    from recsmith.export import export_model, load_bundle
    from recsmith.models import ItemKNN
    from recsmith.testing import toy

    model = ItemKNN(n_neighbours=5).fit(toy.tastes(n_users=30, n_items=60))
    made = export_model(model, tmp_path / "b", formats=["litert"], n_histories=60)
    session: dict[str, Any] = {}
    exec(snippet("python"), session)
    reader, device = session["Recommender"](made.path), load_bundle(made.path)
    ids = model.memory.items.ids.to_list()
    histories = [[], ids[:1], ["nobody knows", *ids[4:9]], ids[:20] * 15]
    for history in histories:
        codes, scores = device.on_device(device.memory.of_items([history]), k=10)
        n = int((codes[0] >= 0).sum())
        got = reader.recommend(history)
        assert [item for item, _ in got] == device.memory.items.decode(codes[0, :n])
        assert [score for _, score in got] == pytest.approx(scores[0, :n].tolist(), abs=1e-6)
    rated = {ids[0]: 1.0, ids[1]: 5.0}
    (want,) = model.recommend(histories=[rated], k=10).item_ids
    assert [item for item, _ in reader.recommend(list(rated), rated)] == list(want)
