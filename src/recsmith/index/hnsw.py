"""HnswIndex: a navigable graph of neighbours (Malkov and Yashunin, TPAMI 2020), by faiss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsmith.errors import ModelFileError
from recsmith.index.faiss_index import FaissIndex, faiss_library
from recsmith.types import FloatArray


class HnswIndex(FaissIndex):
    """Finds most of the best in about O(D·log I·ef) a query; 4·I·D + 8·I·n_links bytes; slow to build."""

    kind = "hnsw"

    def __init__(self, *, n_links: int = 24, build_effort: int = 100, effort: int = 128) -> None:
        self._n_links, self._build_effort, self._effort = n_links, build_effort, effort

    def _make(self, faiss: Any, vector_ID: FloatArray) -> Any:
        index = self._empty(faiss)
        index.hnsw.efConstruction = self._build_effort
        index.add(vector_ID)
        return index

    def _empty(self, faiss: Any) -> Any:
        return faiss.IndexHNSWFlat(self.n_dims, self._n_links, faiss.METRIC_INNER_PRODUCT)

    def keep(self) -> Mapping[str, np.ndarray]:
        """Returns the graph: `level` int32 [I], `neighbour` int32 in the order of faiss, `entry` int64 [1].

        Building it costs minutes for a million items, and gives another graph with other threads.
        """
        faiss, graph = faiss_library(), self._index.hnsw
        return {
            "level": faiss.vector_to_array(graph.levels),
            "neighbour": faiss.vector_to_array(graph.neighbors),
            "entry": np.array([graph.entry_point]),
        }

    def _restore(self, vector_ID: FloatArray, kept: Mapping[str, np.ndarray]) -> None:
        faiss = faiss_library()
        index = self._empty(faiss)
        room_L = faiss.vector_to_array(index.hnsw.cum_nneighbor_per_level).astype(np.int64)
        first_I = _checked(kept, len(vector_ID), room_L)
        index.storage.add(vector_ID)
        index.ntotal = len(vector_ID)
        graph = index.hnsw
        faiss.copy_array_to_vector(kept["level"], graph.levels)
        faiss.copy_array_to_vector(kept["neighbour"], graph.neighbors)
        faiss.copy_array_to_vector(first_I.astype(np.uint64), graph.offsets)
        graph.entry_point = int(kept["entry"][0])
        graph.max_level = int(kept["level"].max()) - 1
        self._index = index

    def _tune(self, faiss: Any, k: int) -> Any:
        return faiss.SearchParametersHNSW(efSearch=max(self._effort, k))

    def _settings(self) -> dict[str, int | float]:
        return {"n_links": self._n_links, "build_effort": self._build_effort, "effort": self._effort}


def _checked(kept: Mapping[str, np.ndarray], n_items: int, room_L: np.ndarray) -> np.ndarray:
    """Returns where each item's neighbours begin, int64 [I + 1].

    faiss follows a graph without looking, so a file from a stranger could lead it out of its arrays: every
    neighbour on a level must be an item that is on this level.
    """
    if set(kept) != {"level", "neighbour", "entry"}:
        raise ModelFileError(f"A graph of neighbours must be level, neighbour, entry. Got {sorted(kept)}.")
    level_I, neighbour_N, entry = kept["level"], kept["neighbour"], kept["entry"]
    right = (
        [str(array.dtype) for array in (level_I, neighbour_N, entry)] == ["int32", "int32", "int64"]
        and (level_I.shape, entry.shape) == ((n_items,), (1,))
        and level_I.min() >= 1
        and level_I.max() < len(room_L)
        and 0 <= entry[0] < n_items
        and level_I[entry[0]] == level_I.max()
    )
    first_I = np.concatenate([[0], np.cumsum(room_L[level_I])]) if right else np.zeros(1, np.int64)
    right = right and neighbour_N.shape == (first_I[-1],)
    right = right and neighbour_N.min() >= -1 and neighbour_N.max() < n_items
    for level in range(1, int(level_I.max()) if right else 0):  # all items are on level 0
        there_I = np.flatnonzero(level_I > level)
        place_IM = first_I[there_I][:, None] + np.arange(room_L[level], room_L[level + 1])
        near_IM = neighbour_N[place_IM]
        right = right and bool((level_I[near_IM[near_IM >= 0]] > level).all())
    if not right:
        raise ModelFileError(
            "A graph of neighbours must be one of these vectors. Got another. It was altered."
        )
    return first_I
