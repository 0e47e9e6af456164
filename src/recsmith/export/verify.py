"""Verification of a bundle where it is: checksums, then every model file against the recorded answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from recsmith.errors import InvalidValue, MissingExtra
from recsmith.export.bundle import Bundle
from recsmith.export.engines import PACKAGE
from recsmith.export.manifest import FileSpec
from recsmith.export.parity import Cases, check
from recsmith.export.runtime import recommender_of

Runtime = Literal["all", "litert", "onnx"]


def verify(path: Path | str, *, runtime: Runtime = "all") -> dict[str, Any]:
    """Returns {"ok", "files": [figures or why it was skipped]}; `ok` when some file was asked and all passed.

    Raises `ModelFileError` for a file that is not the one the manifest names, and `MissingExtra` when the
    runtime that was asked for, or every one, is not installed.
    """
    if runtime not in get_args(Runtime):
        raise InvalidValue("runtime", "all, litert or onnx", runtime)
    bundle = Bundle.open(path)
    cases = Cases.of_dict(bundle.parity())
    rows: list[dict[str, Any]] = []
    missing: MissingExtra | None = None
    for spec in bundle.models:
        if spec.role != "recommend" or (runtime != "all" and spec.format != runtime):
            continue
        row = {"file": spec.path, "format": spec.format, "quantize": spec.quantize}
        if spec.format not in PACKAGE:
            rows.append(row | {"skipped": f"{spec.format} is read on the device"})
            continue
        try:
            rows.append(row | _figures(bundle, spec, cases))
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


def _figures(bundle: Bundle, spec: FileSpec, cases: Cases) -> dict[str, Any]:
    model = recommender_of(bundle, spec)
    liked = bundle.manifest.liked_weight
    items = model.memory.items
    figures = check(cases, items, model.on_device, liked_weight=liked, quantize=spec.quantize)
    return figures.model_dump()
