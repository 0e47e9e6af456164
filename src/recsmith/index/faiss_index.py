"""What indexes built with the faiss library share (Douze et al., The faiss library, 2024)."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import ModelFileError, require
from recsmith.index.base import VectorIndex
from recsmith.types import CodeArray, FloatArray

_FILE = "vectors.faiss"


class FaissIndex(VectorIndex):
    """Holds a faiss index; builds and searches it."""

    _index: Any

    @abstractmethod
    def _make(self, faiss: Any, vector_ID: FloatArray) -> Any:
        """Returns the faiss index, trained and filled."""

    @abstractmethod
    def _tune(self, faiss: Any, k: int) -> Any:
        """Returns the parameters of a search for k."""

    def _build(self, vector_ID: FloatArray) -> None:
        self._index = self._make(faiss_library(), vector_ID)

    def _search(self, query_BD: FloatArray, k: int, n_threads: int) -> tuple[CodeArray, FloatArray]:
        faiss = faiss_library()
        faiss.omp_set_num_threads(n_threads)
        score_BK, code_BK = self._index.search(query_BD, k, params=self._tune(faiss, k))
        missing_BK = code_BK < 0
        return code_BK.astype(np.int32), np.where(missing_BK, -np.inf, score_BK).astype(np.float32)

    def _save(self, folder: Path) -> None:
        faiss_library().write_index(self._index, str(folder / _FILE))

    def _load(self, folder: Path) -> None:
        try:
            self._index = faiss_library().read_index(str(folder / _FILE))
        except RuntimeError as error:
            raise ModelFileError(f"{folder / _FILE} must be a faiss index. Got: {error}") from error

    @property
    def n_bytes(self) -> int:
        """The bytes of the index written down."""
        return int(faiss_library().serialize_index(self._index).nbytes)


def faiss_library() -> Any:
    """Returns the faiss module, or says how to install it."""
    return require("faiss", extra="index")
