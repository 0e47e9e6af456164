"""The model folder: safetensors, JSON, Parquet; written aside, put in place at once, checked when read."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.models import memory as memories
from recsmith.models.memory import Memory
from recsmith.storage import folder_aside

if TYPE_CHECKING:
    from recsmith.models.base import Recommender

FORMAT = 1
_JSON, _ARRAYS = "model.json", "arrays.safetensors"
_HOUSE = "recsmith.models"


def save(model: Recommender, path: Path) -> None:
    """Writes the folder; whatever fails, the folder that was there before is still there whole."""
    memory = model.memory
    if path.exists() and not (path / _JSON).is_file() and (path.is_file() or any(path.iterdir())):
        raise InvalidValue("path", "a new folder or a model to replace", str(path))
    with folder_aside(path) as aside:
        memory.save(aside)
        save_file(model.state(), aside / _ARRAYS)
        names = (*memories.FILES, _ARRAYS)
        described = {
            "format": FORMAT,
            "recsmith": _version(),
            "class": class_path(type(model)),
            "config": model.config.model_dump(mode="json"),
            "memory": memory.describe(),
            "learned": model._learned(),
            "learning_curve": list(model.learning_curve),
            "files": {name: _sha256(aside / name) for name in names},
        }
        described["digest"] = _digest(described)
        (aside / _JSON).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def load(path: Path, *, model_class: type[Recommender] | None = None) -> Recommender:
    """Reads a folder that `save` wrote; see `recsmith.load`."""
    described = _described(path)
    cls = _resolve(described["class"], model_class)
    _verify(path, described["files"])
    model = cls(cls.Config.of(described["config"], within=f"{path / _JSON}: config"))
    model._memory = Memory.load(path, described["memory"])
    model.learning_curve = tuple(described["learning_curve"])
    try:
        arrays = load_file(path / _ARRAYS)
    except SafetensorError as error:
        raise ModelFileError(f"{path / _ARRAYS} must be a safetensors file. Got: {error}") from error
    model._restore(arrays, described["learned"])
    return model


def class_path(cls: type) -> str:
    """Returns the dotted path under which a model is saved: recsmith.models.NAME for the house's own."""
    if cls.__module__.startswith(f"{_HOUSE}."):
        return f"{_HOUSE}.{cls.__name__}"
    return f"{cls.__module__}.{cls.__qualname__}"


def pack(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns named state as flat arrays; a CSR matrix becomes NAME.data, .indices, .indptr, .shape."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in state.items():
        if value is None:
            continue
        if sparse.issparse(value):
            csr = sparse.csr_matrix(value)
            parts = {
                "data": csr.data,
                "indices": csr.indices,
                "indptr": csr.indptr,
                "shape": np.array(csr.shape),
            }
            arrays |= {f"{name}.{part}": np.ascontiguousarray(array) for part, array in parts.items()}
        else:
            arrays[name] = np.ascontiguousarray(value).reshape(np.shape(value))
    return arrays


def unpack(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> dict[str, Any]:
    """Returns the state that `pack` took apart; numbers come back as floats, absent names as None."""
    state: dict[str, Any] = {}
    for name in names:
        if f"{name}.indptr" in arrays:
            parts = (arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
            state[name] = sparse.csr_matrix(tuple(parts), shape=tuple(arrays[f"{name}.shape"].tolist()))
        else:
            value = arrays.get(name)
            state[name] = value if value is None or value.ndim else value.item()
    return state


def _described(path: Path) -> dict[str, Any]:
    file = path / _JSON
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"{path} must be a model folder. Got no {_JSON} there.") from None
    except ValueError as error:
        raise ModelFileError(
            f"{file} must be JSON. Got: {error}. The file is cut short or altered."
        ) from error
    if (
        not isinstance(described, dict)
        or not isinstance(described.get("format"), int)
        or not isinstance(described.get("class"), str)
    ):
        raise ModelFileError(f"{file} must describe a recsmith model. Got something else.")
    if described["format"] > FORMAT:
        raise ModelFileError(
            f"{file} must be of format {FORMAT} or older. Got {described['format']}, written by recsmith "
            f"{described.get('recsmith')}. Upgrade: pip install -U recsmith"
        )
    if described.get("digest") != _digest(described):
        raise ModelFileError(f"{file} must be as it was saved. Got another checksum. The file was altered.")
    return described


def _resolve(path: str, model_class: type[Recommender] | None) -> type[Recommender]:
    if model_class is not None:
        if class_path(model_class) != path:
            raise ModelFileError(f"model_class must be {path}. Got {class_path(model_class)}.")
        return model_class
    house, _, name = path.rpartition(".")
    room = importlib.import_module(_HOUSE)
    # Only a name on the list: what else the package holds is no model, and nothing else is imported.
    cls = getattr(room, name) if house == _HOUSE and name in room.MODELS else None
    if cls is None:
        raise ModelFileError(
            f"The model's class must be one of recsmith's own, or handed in. Got {path}. "
            f"Load it with recsmith.load(path, model_class={name}), on the command line with "
            f"--model-class {path}."
        )
    return cls


def _verify(path: Path, files: Mapping[str, str]) -> None:
    for name in (*memories.FILES, _ARRAYS):
        file, expected = path / name, files.get(name)
        if not file.is_file():
            raise ModelFileError(f"{path} must hold {name}. Got no such file. The folder is incomplete.")
        if _sha256(file) != expected:
            raise ModelFileError(
                f"{file} must be as it was saved. Got another checksum. The file was altered."
            )


def _digest(described: Mapping[str, Any]) -> str:
    body = {key: value for key, value in described.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version() -> str:
    from recsmith import __version__

    return __version__
