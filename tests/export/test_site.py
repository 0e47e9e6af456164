"""Sites from bundles: only what is needed, whole or not at all. A small page stands for the built one."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.export import site as sites
from recsmith.export.bundle import described
from recsmith.export.manifest import Manifest, ScoreSpec, WeightSpec
from recsmith.export.site import PageNotBuilt, write_site

PAGE = {
    "index.html": "<title>recsmith</title>",
    "sw.js": "importScripts('./cache-list.js')",
    "manifest.webmanifest": '{"name": "recsmith", "short_name": "recsmith", "start_url": "./"}',
    "licences.txt": "…",
    "assets/index-1.js": "page",
    "assets/litert-1.js": "litert",
    "assets/onnx-1.js": "onnx",
    "icons/icon.svg": "<svg/>",
    "runtime/litert/litert.wasm": "wasm",
    "runtime/onnx/ort.wasm": "wasm",
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for name, text in PAGE.items():
        file = tmp_path / "page" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "page"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle whose model files hold nothing that runs: a site copies them."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    texts = {
        "catalogue.json": '{"item_id": [1, 2], "title": ["A", "B"], "genres": [["x"], []]}',
        "parity.json": "{}",
        "README.md": "# Card",
        "model.tflite": "float",
        "model.int8.tflite": "int8",
        "model.onnx": "onnx",
        "model.pte": "pte",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    made = lambda name, role, **more: described(folder / name, role, **more)  # noqa: E731
    manifest = Manifest(
        name="toy",
        model_class="Popular",
        created="2026-11-22T00:00:00Z",
        created_by={},
        n_items=2,
        history_length=4,
        context_length=4,
        top_k=2,
        score=ScoreSpec(meaning="people", calibrated=False),
        empty_history="popular",
        liked_weight=1,
        weights=WeightSpec(feedback="implicit", smallest=1, largest=1, mean=1),
        files=(
            made("model.tflite", "recommend", format="litert"),
            made("model.int8.tflite", "recommend", format="litert", quantize="int8"),
            made("model.onnx", "recommend", format="onnx"),
            made("model.pte", "recommend", format="executorch"),
            made("catalogue.json", "catalogue"),
            made("parity.json", "parity"),
            made("README.md", "card"),
        ),
    )
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_a_site_holds_the_page_the_preferred_runtime_and_what_it_reads(page, bundle, tmp_path):
    site = write_site(bundle, out=tmp_path / "site", page=page)
    assert site.runtime == "litert"
    assert names(site.path) == {
        *(name for name in PAGE if "onnx" not in name),
        "cache-list.js",
        "site.json",
        *(
            f"bundle/{name}"
            for name in ("manifest.json", "catalogue.json", "parity.json", "README.md", "model.tflite")
        ),
    }
    assert json.loads((site.path / "site.json").read_text()) == {
        "bundle": "bundle/",
        "runtime": "litert",
        "quantize": None,
        "title": None,
        "kind": "films",
    }
    assert site.n_bytes == sum(file.stat().st_size for file in site.path.rglob("*") if file.is_file())
    assert sum(site.bytes_by_part.values()) == site.n_bytes


def test_the_worker_keeps_every_file_by_its_hash(page, bundle, tmp_path):
    site = write_site(bundle, out=tmp_path / "site", page=page)
    text = (site.path / "cache-list.js").read_text()
    found = re.fullmatch(
        r"self\.CACHE_LIST = \{\n\"version\": \"(\w{16})\",\n\"files\": (.*)\n\};\n", text, re.S
    )
    assert found
    files = {entry["path"]: entry["integrity"] for entry in json.loads(found[2])}
    assert set(files) == names(site.path) - {"sw.js", "cache-list.js"}
    for name, integrity in files.items():
        digest = hashlib.sha256((site.path / name).read_bytes()).digest()
        assert integrity == f"sha256-{base64.b64encode(digest).decode()}"
        assert not name.startswith("/")
    # The same content has the same version, other content another: that is what makes visitors update.
    again = write_site(bundle, out=tmp_path / "again", page=page)
    assert (again.path / "cache-list.js").read_text() == text
    other = write_site(bundle, out=tmp_path / "other", page=page, title="Ours")
    assert found[1] not in (other.path / "cache-list.js").read_text()


@pytest.mark.parametrize(
    ("wish", "models", "runtime"),
    [
        ({"runtime": "onnx"}, {"model.onnx"}, "onnx"),
        ({"runtime": "both"}, {"model.tflite", "model.onnx"}, "both"),
        ({"quantize": "int8"}, {"model.int8.tflite"}, "litert"),
    ],
)
def test_other_model_files_are_taken_on_request(page, bundle, tmp_path, wish, models, runtime):
    site = write_site(bundle, out=tmp_path / "site", page=page, **wish)
    assert site.runtime == runtime
    assert {file.name for file in (site.path / "bundle").glob("model*")} == models
    wanted = {"litert", "onnx"} if runtime == "both" else {runtime}
    assert {folder.name for folder in (site.path / "runtime").iterdir()} == wanted
    assert {file.name.partition("-")[0] for file in (site.path / "assets").iterdir()} == {"index", *wanted}


def test_a_title_names_page_and_app_and_a_kind_its_words(page, bundle, tmp_path):
    site = write_site(bundle, out=tmp_path / "site", page=page, title="Kino “Nord”", kind="items")
    assert json.loads((site.path / "manifest.webmanifest").read_text())["name"] == "Kino “Nord”"
    described = json.loads((site.path / "site.json").read_text())
    assert (described["title"], described["kind"]) == ("Kino “Nord”", "items")


def test_what_the_bundle_lacks_is_said(page, bundle, tmp_path):
    with pytest.raises(InvalidValue, match=r"a onnx file \(int8\).*litert float32; litert int8.*--format"):
        write_site(bundle, out=tmp_path / "site", page=page, runtime="onnx", quantize="int8")
    assert not (tmp_path / "site").exists()


def test_an_altered_bundle_makes_no_site(page, bundle, tmp_path):
    (bundle / "model.tflite").write_text("other")
    with pytest.raises(ModelFileError, match="another checksum"):
        write_site(bundle, out=tmp_path / "site", page=page)
    assert not (tmp_path / "site").exists()


def test_without_the_built_page_the_cure_is_named(bundle, tmp_path):
    with pytest.raises(PageNotBuilt, match="make web"):
        write_site(bundle, out=tmp_path / "site", page=tmp_path / "nowhere")


def test_a_site_is_replaced_and_nothing_else_is(page, bundle, tmp_path):
    out = tmp_path / "site"
    write_site(bundle, out=out, page=page, runtime="both")
    (out / "left.txt").write_text("from before")
    write_site(bundle, out=out, page=page)
    assert "left.txt" not in names(out)
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("…")
    for taken in (letters, bundle, tmp_path):
        with pytest.raises(InvalidValue, match="out must be"):
            write_site(bundle, out=taken, page=page)
    assert names(letters) == {"dear.txt"}


def test_a_failure_in_the_middle_leaves_the_old_site(page, bundle, tmp_path, monkeypatch):
    out = tmp_path / "site"
    write_site(bundle, out=out, page=page)
    before = names(out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sites, "_write_cache_list", full)
    with pytest.raises(OSError, match="No space left"):
        write_site(bundle, out=out, page=page, runtime="both")
    assert names(out) == before
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".site")] == []
