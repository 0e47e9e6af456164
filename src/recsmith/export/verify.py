"""Verification of a bundle where it is: checksums, then every model file against the recorded answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from recsmith.errors import InvalidValue, MissingExtra
from recsmith.export import parity_rank
from recsmith.export.bundle import Bundle
from recsmith.export.manifest import FileSpec, ParityFigures
from recsmith.export.parity import Cases, check
from recsmith.export.parity_rank import RankCases
from recsmith.export.ranking import BundleRanker
from recsmith.export.runtime import recommender_of

Runtime = Literal["all", "litert", "onnx", "executorch"]


def verify(path: Path | str, *, runtime: Runtime = "all") -> dict[str, Any]:
    """Returns {"ok", "files": [figures or why it was skipped]}; `ok` when some file was asked and all passed.

    Raises `ModelFileError` for a file that is not the one the manifest names, and `MissingExtra` when the
    runtime that was asked for, or every one, is not installed.
    """
    if runtime not in get_args(Runtime):
        raise InvalidValue("runtime", "all, litert, onnx or executorch", runtime)
    bundle = Bundle.open(path)
    recorded = bundle.parity()
    cases, rank_cases = Cases.of_dict(recorded), recorded_ranks(recorded)
    rows: list[dict[str, Any]] = []
    missing: MissingExtra | None = None
    for spec in bundle.models:
        if runtime not in ("all", spec.format):
            continue
        row = {"file": spec.path, "format": spec.format, "quantize": spec.quantize}
        try:
            figures = figures_of(bundle, spec, cases, rank_cases)
            rows.append(
                row | ({"skipped": "nothing is recorded"} if figures is None else figures.model_dump())
            )
        except MissingExtra as error:
            missing = error
            rows.append(row | {"skipped": str(error)})
    asked = [row for row in rows if "passed" in row]
    if not asked and missing is not None:
        raise missing
    if not asked:
        have = ", ".join(sorted({f.format or "" for f in bundle.models}))
        raise InvalidValue("runtime", f"one that the bundle has a file for ({have})", runtime)
    return {"bundle": str(path), "ok": all(row["passed"] for row in asked), "files": rows}


def figures_of(
    bundle: Bundle, spec: FileSpec, cases: Cases, rank_cases: RankCases | None
) -> ParityFigures | None:
    """Returns how one model file answers; None for a ranking file of which nothing was recorded."""
    liked = bundle.manifest.liked_weight
    if spec.role == "rank":
        if rank_cases is None:
            return None
        ranker = BundleRanker(bundle, spec)
        items = ranker.memory.items
        rows = cases.encoded(items, liked_weight=liked).block(0, len(rank_cases.scores))
        got_BN = ranker.score_codes(rows, rank_cases.codes(items, ranker.n_candidates))
        return parity_rank.compare(rank_cases, got_BN, quantize=spec.quantize)
    model = recommender_of(bundle, spec)
    return check(cases, model.memory.items, model.on_device, liked_weight=liked, quantize=spec.quantize)


def recorded_ranks(described: Mapping[str, Any]) -> RankCases | None:
    """Returns what parity.json records for the second file."""
    return RankCases.of_dict(described["rank"]) if "rank" in described else None
