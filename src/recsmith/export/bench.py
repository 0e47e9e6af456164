"""Size and speed of a bundle's model files, on one thread, with the runtimes that are installed."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import MissingExtra
from recsmith.export.bundle import Bundle
from recsmith.export.engines import Engine, open_engine
from recsmith.export.inputs import Arrays, InputMaker
from recsmith.export.manifest import FileSpec, SignatureSpec
from recsmith.export.parity import Cases
from recsmith.export.runtime import memory_of

_BATCH = 16


def bench(path: Path | str, *, calls: int = 300) -> list[dict[str, Any]]:
    """Returns a row for each model file that makes lists: bytes, cold start, p50 and p99 of a call.

    The inputs are the recorded histories, one after another. `batch_us` is the time for each of 16 people in
    one call. A file without a runtime here has sizes alone. Raises `MissingExtra` when none can be read.
    """
    bundle = Bundle.open(path)
    files = [f for f in bundle.models if f.role == "recommend"]
    cases = Cases.of_dict(bundle.parity())
    rows: list[dict[str, Any]] = []
    missing: MissingExtra | None = None
    for spec in files:
        row = sizes(bundle.file(spec))
        speed = dict.fromkeys(("cold_start_ms", "p50_us", "p99_us", "batch_us"))
        try:
            speed |= _speed(bundle, spec, cases, calls)
        except MissingExtra as error:
            missing = error
        rows.append({"file": spec.path, "format": spec.format, "quantize": spec.quantize, **row, **speed})
    if missing is not None and all(row["p50_us"] is None for row in rows):
        raise missing
    return rows


def sizes(file: Path) -> dict[str, int | None]:
    """Returns the bytes of a file as it is, by gzip, and by brotli where that is installed."""
    data = file.read_bytes()
    squeezed = None
    if importlib.util.find_spec("brotli") is not None:
        squeezed = len(importlib.import_module("brotli").compress(data, quality=9))
    return {"bytes": len(data), "gzip": len(gzip.compress(data, 9)), "brotli": squeezed}


def _speed(bundle: Bundle, spec: FileSpec, cases: Cases, calls: int) -> dict[str, float | None]:
    signatures = {s.name: s for s in spec.signatures}
    one = signatures["recommend"]
    maker = InputMaker(bundle.manifest, one)
    items = memory_of(bundle).items
    arrays = maker.make(cases.encoded(items, liked_weight=bundle.manifest.liked_weight))
    began = time.perf_counter()
    engine = open_engine(bundle.file(spec), spec)
    engine.run(one, _rows(arrays, 0, 1))
    cold = time.perf_counter() - began
    took = _timed(engine, one, arrays, size=1, calls=calls)
    many = signatures.get("recommend_batch") or (one if one.batch is None else None)
    batch = (
        None if many is None else _timed(engine, many, arrays, size=_BATCH, calls=max(10, calls // _BATCH))
    )
    return {
        "cold_start_ms": cold * 1e3,
        "p50_us": float(np.percentile(took, 50)) * 1e6,
        "p99_us": float(np.percentile(took, 99)) * 1e6,
        "batch_us": None if batch is None else float(np.median(batch)) / _BATCH * 1e6,
    }


def _timed(engine: Engine, signature: SignatureSpec, arrays: Arrays, *, size: int, calls: int) -> list[float]:
    n = len(arrays["history"])
    took = []
    for call in range(calls + calls // 10):
        start = call * size % max(n - size + 1, 1)
        some = _rows(arrays, start, start + size)
        began = time.perf_counter()
        engine.run(signature, some)
        took.append(time.perf_counter() - began)
    return took[calls // 10 :]


def _rows(arrays: Arrays, start: int, stop: int) -> Arrays:
    """Returns some people's inputs; too few are repeated."""
    places = np.arange(start, stop) % len(arrays["history"])
    return {name: np.ascontiguousarray(array[places]) for name, array in arrays.items()}
