"""Likes on MovieLens 1M (1–2 → 0, 4–5 → 1, 3 left out; random 80/10/10): AUC and log loss of the rankers.

    python benchmarks/ctr_ml1m.py                       every row, seeds 0 to 4, and what they say together
    python benchmarks/ctr_ml1m.py --row dcn-mix --seed 3
    python benchmarks/ctr_ml1m.py --validation --set learning_rate=0.002

Features: user id, item id, gender, age, occupation, zip code, genres. The split is drawn once; the seed draws
weights and batches. Each model has settings of its own, chosen on the validation tenth. Means stand with the
deviation over seeds, and with the paired difference from `dnn` over the seeds that both have, with its 95 %
t interval. Needs ml-1m in the folder that RECSMITH_DATA names.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from protocols import data_folder
from scipy import stats

import recsmith.models
from recsmith import Run, evaluate
from recsmith.data import Split, random_holdout
from recsmith.data.sources.movielens import load_movielens

SEED = 0
ALL: dict[str, Any] = {
    "target": "like",
    "user_features": ("gender", "age", "occupation", "zip_code"),
    "item_features": ("genres",),
    "numbers": "bucket",
    "embedding_dim": 16,
    "batch_size": 2048,
    "schedule": "linear",
    "init_scale": 0.1,
}
SLOW: dict[str, Any] = {"n_epochs": 5, "learning_rate": 4e-3}
FAST: dict[str, Any] = {"n_epochs": 4, "learning_rate": 6e-3}
MIX: dict[str, Any] = {"version": "mix", "n_cross_layers": 2, "rank": 32}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "dnn": ("DNN", {**SLOW, "embedding_decay": 0.03, "deep_dims": (400, 400)}),
    "dcn-mix": ("DCN", {**FAST, **MIX, "embedding_decay": 0.1, "deep_dims": (192, 192)}),
    "dcn-v2": ("DCN", {**SLOW, "n_cross_layers": 2, "embedding_decay": 0.1, "deep_dims": (400, 400)}),
    "deepfm": ("DeepFM", {**SLOW, "embedding_decay": 0.03, "deep_dims": (400, 400)}),
}


def split(*, validation: bool) -> Split:
    """Returns train against the test tenth, or against the validation tenth."""
    folder = data_folder()
    if folder is None or not (folder / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    data = load_movielens("1m", path=folder / "ml-1m")
    clear = np.flatnonzero(data.interactions.weight != 3)
    whole = random_holdout(
        replace(data, interactions=data.interactions.select(clear)), fraction=0.1, seed=SEED
    )
    inner = random_holdout(whole.train, fraction=1 / 9, seed=SEED)
    return inner if validation else replace(whole, train=inner.train)


def together(auc: dict[str, dict[int, float]]) -> Iterator[str]:
    """Yields a line for each row: mean AUC, deviation, and the paired difference from `dnn`."""
    for name, own in auc.items():
        each = np.array(list(own.values()))
        line = f"{name:8} AUC {each.mean():.4f} ± {each.std():.4f}, {len(each)} seeds"
        both = sorted(own.keys() & auc.get("dnn", {}).keys())
        if name != "dnn" and len(both) > 1:
            gap = np.array([own[seed] - auc["dnn"][seed] for seed in both])
            half = stats.t.ppf(0.975, len(gap) - 1) * stats.sem(gap)
            line += f"; less dnn {gap.mean():+.4f} [{gap.mean() - half:+.4f}, {gap.mean() + half:+.4f}]"
        yield line


def main() -> None:
    """Prints a line for each model and seed, then one for each model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this model; may repeat")
    parser.add_argument("--seed", action="append", type=int, help="only this seed; may repeat")
    parser.add_argument("--validation", action="store_true", help="judge on the validation tenth")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="for all models")
    asked = parser.parse_args()
    changed = {name: json.loads(value) for name, value in (word.split("=", 1) for word in asked.set)}
    judged = split(validation=asked.validation)
    auc: dict[str, dict[int, float]] = {name: {} for name in asked.row or ROWS}
    for seed in asked.seed or range(5):
        for name in auc:
            kind, own = ROWS[name]
            began = time.process_time()
            model = getattr(recsmith.models, kind)(**{**ALL, **own, **changed})
            model.fit(judged.train, run=Run(seed=seed, n_threads=1))
            seconds = time.process_time() - began
            found = evaluate(model, judged, metrics=["AUC", "LogLoss"], relevant_from=4.0, n_bootstrap=0)
            figures = {figure.name: round(figure.value, 5) for figure in found.figures}
            auc[name][seed] = figures["AUC"]
            print(
                json.dumps({"row": name, "seed": seed, **figures, "fit, CPU s": round(seconds)}), flush=True
            )
    print(*together(auc), sep="\n")


if __name__ == "__main__":
    main()
