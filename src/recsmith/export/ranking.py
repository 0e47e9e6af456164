"""BundleRanker: the second file of a ranking model or a pipeline, scores for given candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recsmith.data import Histories
from recsmith.errors import InvalidValue
from recsmith.export.bundle import Bundle
from recsmith.export.engines import open_engine
from recsmith.export.inputs import InputMaker
from recsmith.export.manifest import FileSpec, Quantize
from recsmith.export.runtime import Runtime, chosen, memory_of, run_rows
from recsmith.models.memory import History
from recsmith.types import CodeArray, FloatArray, Id


class BundleRanker:
    """Scores candidates for people given by their histories."""

    def __init__(self, bundle: Bundle, spec: FileSpec) -> None:
        self.bundle, self.spec = bundle, spec
        self.memory = memory_of(bundle)
        self._signature = next(s for s in spec.signatures if s.name == "rank")
        self._engine = open_engine(bundle.file(spec), spec)
        self._maker = InputMaker(bundle.manifest, self._signature)

    @property
    def n_candidates(self) -> int:
        """N: the most candidates of a call."""
        return int(self._signature.outputs[0].shape[1] or 0)

    def score(self, histories: Sequence[History], item_ids: Sequence[Sequence[Id]]) -> list[FloatArray]:
        """Returns the scores of each person's candidates; NaN for an id that the catalogue lacks."""
        if len(histories) != len(item_ids):
            raise InvalidValue("item_ids", f"one list for each of {len(histories)} histories", len(item_ids))
        code_BN = np.full((len(histories), self.n_candidates), -1, np.int32)
        for row, ids in enumerate(item_ids):
            if len(ids) > self.n_candidates:
                raise InvalidValue("item_ids", f"at most {self.n_candidates} a person", len(ids))
            code_BN[row, : len(ids)] = self.memory.items.encode(list(ids))
        score_BN = self.score_codes(self.memory.of_items(histories), code_BN)
        score_BN[code_BN < 0] = np.nan
        return [score_BN[row, : len(ids)] for row, ids in enumerate(item_ids)]

    def score_codes(self, histories: Histories, candidate_BN: CodeArray) -> FloatArray:
        """Returns float32 [B, N] for candidates int32 [B, N]; 0 for a candidate -1."""
        inputs = {**self._maker.make(histories), "candidate": candidate_BN}
        return run_rows(self._engine, self._signature, inputs)["score"]


def load_ranker(
    path: Path | str, *, runtime: Runtime = "auto", quantize: Quantize | None = None
) -> BundleRanker:
    """Opens a bundle's second file; raises `InvalidValue` for a bundle without one."""
    bundle = Bundle.open(path)
    return BundleRanker(bundle, chosen(bundle, runtime, quantize, role="rank"))
