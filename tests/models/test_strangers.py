"""A model folder from a stranger: whatever it holds, reading it runs no code of theirs."""

import hashlib
import json
import pickle
import struct
from pathlib import Path

import pytest

from recsmith.errors import RecsmithError
from recsmith.models import Pipeline, Popular, load
from recsmith.testing.toy import tastes


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self):
        return (Path.touch, (self.sign,))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    Popular().fit(tastes()).save(path)
    return path


def sign(path, **changes):
    """Changes the description and makes its checksums right again, as a stranger would."""
    file = path / "model.json"
    described = {**json.loads(file.read_text()), **changes}
    described["files"] = {
        name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in described["files"]
    }
    body = {key: value for key, value in described.items() if key != "digest"}
    described["digest"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    file.write_text(json.dumps(described))


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.exec",
        "recsmith.models.load",
        "recsmith.models.importlib",
        "recsmith.models.files",
        "recsmith.models.MODELS",
        "recsmith.models.base.Recommender",
        "recsmith.models.Recommender",
        "recsmith.models.__class__",
        "recsmith.models.__init__",
        "recsmith.models..Popular",
        "recsmith.models.Popular.__init__",
        "../../../evil.Model",
        "",
        ".",
        7,
        None,
        ["os", "system"],
    ],
)
def test_only_a_model_of_the_house_is_made(folder, name):
    sign(folder, **{"class": name})
    with pytest.raises(RecsmithError):
        load(folder)


def test_a_module_beside_the_model_is_not_imported(folder, tmp_path, monkeypatch):
    mark = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Model: pass\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    sign(folder, **{"class": "evil.Model"})
    with pytest.raises(RecsmithError, match="must be one of recsmith's own"):
        load(folder)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["arrays.safetensors", "histories.safetensors", "users.parquet"])
def test_a_pickle_in_place_of_a_file_is_not_read(folder, tmp_path, name):
    mark = tmp_path / "ran"
    (folder / name).write_bytes(pickle.dumps(Payload(mark)))
    sign(folder)
    with pytest.raises(Exception):  # noqa: B017 (which one is the library's; that nothing ran is ours)
        load(folder)
    assert not mark.exists()
    pickle.loads((folder / name).read_bytes())  # the file would have run had somebody unpickled it
    assert mark.exists()


def test_arrays_that_lie_about_their_length_are_refused(folder):
    head = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (folder / "arrays.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
    sign(folder)
    with pytest.raises(RecsmithError, match="must be a safetensors file"):
        load(folder)


def test_a_stage_inside_a_pipeline_must_be_a_model_too(tmp_path):
    path = tmp_path / "model"
    ials = {"class": "IALS", "embedding_dim": 4, "n_epochs": 1}
    Pipeline(retriever=ials, ranker=ials).fit(tastes()).save(path)
    config = json.loads((path / "model.json").read_text())["config"]
    sign(path, config={**config, "ranker": {"class": "os.system", "command": "true"}})
    with pytest.raises(RecsmithError):
        load(path)
