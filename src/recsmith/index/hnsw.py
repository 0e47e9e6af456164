"""HnswIndex: a navigable graph of neighbours (Malkov and Yashunin, TPAMI 2020), by faiss."""

from __future__ import annotations

from typing import Any

from recsmith.index.faiss_index import FaissIndex
from recsmith.types import FloatArray


class HnswIndex(FaissIndex):
    """Finds most of the best in about O(D·log I·ef) a query; 4·I·D + 8·I·n_links bytes; slow to build."""

    kind = "hnsw"

    def __init__(self, *, n_links: int = 24, build_effort: int = 100, effort: int = 128) -> None:
        self._n_links, self._build_effort, self._effort = n_links, build_effort, effort

    def _make(self, faiss: Any, vector_ID: FloatArray) -> Any:
        index = faiss.IndexHNSWFlat(self.n_dims, self._n_links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self._build_effort
        index.add(vector_ID)
        return index

    def _tune(self, faiss: Any, k: int) -> Any:
        return faiss.SearchParametersHNSW(efSearch=max(self._effort, k))

    def _settings(self) -> dict[str, int | float]:
        return {"n_links": self._n_links, "build_effort": self._build_effort, "effort": self._effort}
