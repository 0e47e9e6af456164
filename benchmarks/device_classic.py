"""Models beside the sequence ones as device files: the same lists?, bytes, CPU time of a call.

python benchmarks/device_classic.py [--data 100k --path DIR] [--models IALS EASE] [--formats onnx litert]

Fits each model on a MovieLens set (the bundled latest-small when not given), exports it, and prints a row a
file: parity with the source model over histories of every length, megabytes, and the median CPU time of a
list on one thread.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from recsmith import load_movielens
from recsmith import models as all_models
from recsmith.data import Dataset
from recsmith.export import export_model
from recsmith.export.runtime import load_bundle
from recsmith.models.base import Recommender

FEATURES = {"user_features": (), "item_features": ("genres",), "embedding_dim": 16}
MODELS: dict[str, dict[str, Any]] = {
    "Popular": {},
    "ItemKNN": {},
    "TfIdfContent": {"features": ("genres",)},
    "EASE": {},
    "PureSVD": {},
    "IALS": {"n_epochs": 10},
    "BPR": {"n_epochs": 30},
    "FunkSVD": {"n_epochs": 20},
    "EmbeddingDotBias": {"n_epochs": 5},
    "TwoTower": {**FEATURES, "n_epochs": 3},
    "DCN": {**FEATURES, "n_epochs": 1},
    "Pipeline": {
        "retriever": {"class": "IALS", "n_epochs": 10},
        "ranker": {"class": "DCN", **FEATURES, "n_epochs": 1},
        "n_candidates": 100,
    },
}


def rows(name: str, data: Dataset, formats: list[str], n_histories: int) -> list[dict[str, Any]]:
    """Returns the rows of a model, one a file."""
    model: Recommender = getattr(all_models, name)(**MODELS[name]).fit(data)
    some = model.memory.histories.take(np.arange(min(50, data.n_users))).as_strangers()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        options = {"formats": formats, "n_histories": n_histories, "allow_mismatch": True}
        bundle = export_model(model, Path(folder) / "bundle", **options)
        for spec in bundle.models:
            row: dict[str, Any] = {"model": name, "file": spec.path, "megabytes": round(spec.bytes / 1e6, 2)}
            if spec.parity is not None:
                row |= spec.parity.model_dump(exclude={"k"})
            if spec.role == "recommend" and spec.format is not None:
                device = load_bundle(bundle.path, runtime=spec.format)
                spent = []
                for person in range(len(some)):
                    before = time.process_time_ns()
                    device.on_device(some.block(person, person + 1))
                    spent.append((time.process_time_ns() - before) / 1000)
                row["p50_us"] = round(float(np.median(spent)))
            print(json.dumps(row), flush=True)
            found.append(row)
    return found


def main() -> None:
    """Fits, exports, prints."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--data", default="latest-small")
    asked.add_argument("--path", type=Path)
    asked.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    asked.add_argument("--formats", nargs="+", default=["onnx", "litert"])
    asked.add_argument("--histories", type=int, default=1000)
    given = asked.parse_args()
    data = load_movielens(given.data, path=given.path)
    for name in given.models:
        rows(name, data, given.formats, given.histories)


if __name__ == "__main__":
    main()
