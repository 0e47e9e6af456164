"""The kinds of index by name, for settings and for files."""

from __future__ import annotations

import json
from pathlib import Path

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.index.base import JSON, VectorIndex
from recsmith.index.exact import ExactIndex
from recsmith.index.hnsw import HnswIndex
from recsmith.index.scann import ScannIndex

_KINDS: dict[str, type[VectorIndex]] = {kind.kind: kind for kind in (ExactIndex, HnswIndex, ScannIndex)}


def make_index(kind: str) -> VectorIndex:
    """Returns an index of a kind (exact, hnsw, scann) with its usual settings."""
    return _class(kind)()


def load_index(path: Path | str) -> VectorIndex:
    """Reads what `save` wrote."""
    folder = Path(path)
    try:
        described = json.loads((folder / JSON).read_text(encoding="utf-8"))
        kind, n_items, n_dims = (described.pop(name) for name in ("kind", "n_items", "n_dims"))
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(f"{folder} must be an index folder. Got: {error}.") from error
    index = _class(kind)(**described)
    index.n_items, index.n_dims = n_items, n_dims
    index._load(folder)
    return index


def _class(kind: str) -> type[VectorIndex]:
    if kind not in _KINDS:
        raise InvalidValue("index", f"one of {', '.join(_KINDS)}", kind)
    return _KINDS[kind]
