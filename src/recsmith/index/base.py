"""What every index does: build from vectors, search by inner product, save, load."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self, final

import numpy as np

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.storage import folder_aside
from recsmith.types import CodeArray, FloatArray

JSON = "index.json"


class VectorIndex(ABC):
    """Finds the vectors with the largest inner product with a query.

    The row of a vector is its code. For cosine similarity give vectors of length 1.
    """

    kind: ClassVar[str]
    n_items: int
    n_dims: int

    @final
    def build(self, vector_ID: FloatArray) -> Self:
        """Takes the vectors, float32 [I, D], finite; returns the index."""
        vectors = np.ascontiguousarray(vector_ID, np.float32)
        if vectors.ndim != 2 or 0 in vectors.shape:
            raise InvalidValue("vectors", "a table [I, D] that is not empty", vectors.shape)
        if not np.isfinite(vectors).all():
            raise InvalidValue(
                "vectors", "finite", f"{(~np.isfinite(vectors)).sum()} NaN or infinite numbers"
            )
        self.n_items, self.n_dims = vectors.shape
        self._build(vectors)
        return self

    @final
    def restore(self, vector_ID: FloatArray, kept: Mapping[str, np.ndarray]) -> Self:
        """Takes the vectors and what `keep` gave of an index of them; returns the index that it was.

        Raises `ModelFileError` when the two do not belong together. Nothing kept means built anew.
        """
        if not kept:
            return self.build(vector_ID)
        vectors = np.ascontiguousarray(vector_ID, np.float32)
        self.n_items, self.n_dims = vectors.shape
        self._restore(vectors, kept)
        return self

    def keep(self) -> Mapping[str, np.ndarray]:
        """Returns plain arrays that spare building again; none where building is quick."""
        return {}

    @final
    def search(self, query_BD: FloatArray, k: int, *, n_threads: int = 1) -> tuple[CodeArray, FloatArray]:
        """Returns codes int32 [B, K] and scores float32 [B, K], best first; a short list ends in code −1.

        Equal scores go by code where the index is exact.
        """
        queries = np.ascontiguousarray(query_BD, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.n_dims:
            raise InvalidValue("queries", f"a table [B, {self.n_dims}]", queries.shape)
        if k < 1:
            raise InvalidValue("k", "1 or more", k)
        return self._search(queries, min(k, self.n_items), n_threads)

    @final
    def save(self, path: Path | str) -> None:
        """Writes the index folder, as a whole or not at all."""
        with folder_aside(Path(path)) as aside:
            described = {
                "kind": self.kind,
                "n_items": self.n_items,
                "n_dims": self.n_dims,
                **self._settings(),
            }
            (aside / JSON).write_text(json.dumps(described), encoding="utf-8")
            self._save(aside)

    @abstractmethod
    def _build(self, vector_ID: FloatArray) -> None: ...

    def _restore(self, vector_ID: FloatArray, kept: Mapping[str, np.ndarray]) -> None:
        raise ModelFileError(f"An index of kind {self.kind} must come without arrays. Got {sorted(kept)}.")

    @abstractmethod
    def _search(self, query_BD: FloatArray, k: int, n_threads: int) -> tuple[CodeArray, FloatArray]: ...

    @abstractmethod
    def _save(self, folder: Path) -> None: ...

    @abstractmethod
    def _load(self, folder: Path) -> None: ...

    @abstractmethod
    def _settings(self) -> dict[str, int | float]:
        """Returns the constructor's arguments."""

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """The memory that the index takes, about."""
