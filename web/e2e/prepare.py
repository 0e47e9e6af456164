"""Makes what the browser tests need: a model, its bundle, sites, the answers of the Python runtimes."""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path
from typing import Any

from recsmith import load_movielens
from recsmith.config import Run
from recsmith.export import Bundle, load_bundle
from recsmith.export.site import write_site
from recsmith.models import SASRec

MADE = Path(__file__).parents[1] / ".e2e"
N_HISTORIES = 50


def main() -> None:
    """Writes .e2e/: bundle/, site-litert/, site-onnx/, site-both/, expected.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="Take this bundle instead of making one.")
    given = parser.parse_args()
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    bundle = given.bundle or made_bundle(MADE / "bundle")
    expected = {}
    for runtime in ("litert", "onnx"):
        write_site(bundle, out=MADE / f"site-{runtime}", runtime=runtime)
        expected[runtime] = answers(bundle, runtime)
    write_site(bundle, out=MADE / "site-both", runtime="both")
    (MADE / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def made_bundle(path: Path) -> Path:
    """Trains a small model on the bundled films and exports it in both formats."""
    from recsmith.export import export_model

    model = SASRec(embedding_dim=16, n_blocks=1, context_length=20, n_epochs=1)
    model.fit(load_movielens("latest-small"), run=Run(seed=1, n_threads=1))
    export_model(model, path, formats=("litert", "onnx"), n_histories=300)
    return path


def answers(bundle: Path, runtime: Any) -> list[dict[str, Any]]:
    """Returns histories of every length, with unknown ids and repeats, and what Python says to each."""
    model = load_bundle(bundle, runtime=runtime)
    recorded = Bundle.open(bundle).parity()["histories"]
    # By chance: every twentieth would always be of the same kind.
    histories = random.Random(7).sample(recorded, min(N_HISTORIES, len(recorded)))
    known = set(map(str, Bundle.open(bundle).catalogue()["item_id"]))
    found = []
    for ids in histories:
        # What the page keeps is a list without repeats, of ids that it knows.
        kept = list(dict.fromkeys(i for i in ids if str(i) in known))
        found.append({"history": ids, "kept": kept, "raw": listed(model, ids), "page": listed(model, kept)})
    return found


def listed(model: Any, ids: list[Any]) -> dict[str, list[Any]]:
    """Returns the ten best, as a device gets them."""
    items, scores = model.on_device(model.memory.of_items([ids]), k=10)
    there = items[0] >= 0
    return {"item_ids": model.memory.items.decode(items[0][there]), "scores": scores[0][there].tolist()}


if __name__ == "__main__":
    main()
