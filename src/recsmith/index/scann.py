"""ScannIndex: 4-bit product codes scanned cell by cell, the best re-scored exactly, by faiss; the
plan of ScaNN (Guo et al., Accelerating large-scale inference with anisotropic quantization, ICML 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsmith.index.faiss_index import FaissIndex
from recsmith.types import FloatArray


class ScannIndex(FaissIndex):
    """Scans `n_probes` of about √I cells, D/4 bytes an item, and re-scores `refine`·k of them exactly.

    4·I·D + I·D/4 bytes, for the exact vectors are kept to re-score.
    """

    kind = "scann"

    def __init__(self, *, n_cells: int = 0, n_probes: int = 128, refine: int = 50) -> None:
        self._n_cells, self._n_probes, self._refine = n_cells, n_probes, refine

    def _make(self, faiss: Any, vector_ID: FloatArray) -> Any:
        n_cells = self._n_cells or max(1, min(4096, round(np.sqrt(self.n_items))))
        n_parts = max(1, self.n_dims // 2)
        while self.n_dims % n_parts:
            n_parts -= 1
        if self.n_items < 1000:  # too few to learn codes from: exact search inside the same wrapper
            inner = faiss.IndexFlatIP(self.n_dims)
        else:
            cells = faiss.IndexFlatIP(self.n_dims)
            inner = faiss.IndexIVFPQFastScan(
                cells, self.n_dims, n_cells, n_parts, 4, faiss.METRIC_INNER_PRODUCT
            )
            inner.by_residual = True  # codes of what the cell leaves over: far closer at the same length
            inner.own_fields = True
            cells.this.disown()
        index = faiss.IndexRefineFlat(inner)
        index.own_fields = True
        inner.this.disown()
        index.train(vector_ID)
        index.add(vector_ID)
        return index

    def _tune(self, faiss: Any, k: int) -> Any:
        inner = faiss.downcast_index(self._index.base_index)
        if isinstance(inner, faiss.IndexIVF):
            probes = faiss.SearchParametersIVF(nprobe=min(self._n_probes, inner.nlist))
            return faiss.IndexRefineSearchParameters(k_factor=self._refine, base_index_params=probes)
        return faiss.IndexRefineSearchParameters(k_factor=self._refine)

    def _settings(self) -> dict[str, int | float]:
        return {"n_cells": self._n_cells, "n_probes": self._n_probes, "refine": self._refine}
