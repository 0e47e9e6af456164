"""ExactIndex: every inner product, in blocks on threads; the oracle for every other index."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from recsmith.index.base import VectorIndex
from recsmith.kernels.threads import in_blocks, one_blas_thread
from recsmith.kernels.topk import top_k
from recsmith.types import CodeArray, FloatArray

_BLOCK_BYTES = 8 * 2**20  # scores of a block stay near the cache
_ROWS = 64  # queries that share one reading of the vectors, at least
_FILE = "vectors.safetensors"


class ExactIndex(VectorIndex):
    """Costs O(B·I·D) a search and 4·I·D bytes; scores exist in blocks of 8 MiB. Ties go by code."""

    kind = "exact"

    def _build(self, vector_ID: FloatArray) -> None:
        self._vector_ID = vector_ID

    def _search(self, query_BD: FloatArray, k: int, n_threads: int) -> tuple[CodeArray, FloatArray]:
        code_BK = np.empty((len(query_BD), k), np.int32)
        score_BK = np.empty((len(query_BD), k), np.float32)
        rows = max(_ROWS, _BLOCK_BYTES // (4 * self.n_items))
        width = max(k, _BLOCK_BYTES // (4 * rows))

        def work(start: int, stop: int) -> None:
            for low in range(start, stop, rows):
                some = slice(low, min(low + rows, stop))
                parts = [
                    self._best(query_BD[some], first, width, k) for first in range(0, self.n_items, width)
                ]
                if len(parts) == 1:
                    code_BK[some], score_BK[some] = parts[0]
                    continue
                # Equal scores stand in code order within and across the parts: place decides as code does.
                code_BN, score_BN = (np.concatenate(found, axis=1) for found in zip(*parts, strict=True))
                place_BK, score_BK[some] = top_k(score_BN, k)
                code_BK[some] = np.take_along_axis(code_BN, place_BK, axis=1)

        with one_blas_thread() if n_threads > 1 else nullcontext():
            in_blocks(work, len(query_BD), n_threads=n_threads, smallest=rows)
        return code_BK, score_BK

    def _best(self, query_BD: FloatArray, first: int, width: int, k: int) -> tuple[CodeArray, FloatArray]:
        """Returns the best of the items from `first` on, `width` of them."""
        vector_WD = self._vector_ID[first : first + width]
        code_BK, score_BK = top_k(query_BD @ vector_WD.T, min(k, len(vector_WD)))
        return code_BK + np.int32(first), score_BK

    def _save(self, folder: Path) -> None:
        save_file({"vectors": self._vector_ID}, folder / _FILE)

    def _load(self, folder: Path) -> None:
        self._vector_ID = load_file(folder / _FILE)["vectors"]

    def _settings(self) -> dict[str, int | float]:
        return {}

    @property
    def n_bytes(self) -> int:
        """4·I·D."""
        return int(self._vector_ID.nbytes)
