"""TensorFlow Recommenders' tutorials on MovieLens 100K, random 80/20, with our models.

    python benchmarks/tfrs_ml100k.py                      every row, seeds 0 to 4
    python benchmarks/tfrs_ml100k.py --row dcn --seeds 2  one row, seeds 0 and 1

Top-100 is the tutorials' metric: the share of test events whose item is among the 100 best of all items,
those the user has already seen included; "unseen" ranks only what the user has not seen in train, as a
service would. The seed draws the weights and the batches; the split is drawn once. Settings were chosen on a
fifth of train (--validation repeats that), never on test. Needs ml-100k in the folder named by RECSMITH_DATA.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from protocols import data_folder

import recsmith.models
from recsmith import Run
from recsmith.data import Histories, Split, random_holdout
from recsmith.data.sources.movielens import load_movielens
from recsmith.models import PredictsRatings, Recommender

SEED = 0
BLOCK = 2000
N_BEST = 100


@dataclass(frozen=True)
class Row:
    """One line: the model, what is asked of it, and what the tutorial's model reached where it was run."""

    model: str
    settings: dict[str, Any] = field(default_factory=dict)
    top_100: bool = False
    rmse: bool = False
    theirs: str = ""


IDS: dict[str, Any] = {"history_length": 0, "user_features": (), "item_features": (), "batch_size": 1024}
TITLE = {**IDS, "item_features": ("title",)}
TOWERS: dict[str, Any] = {"n_epochs": 10, "learning_rate": 3e-3}
JOINT: dict[str, Any] = {"n_epochs": 16, "learning_rate": 5e-3, "schedule": "linear"}
ALONE: dict[str, Any] = {"n_epochs": 10, "learning_rate": 3e-3, "schedule": "linear"}
PEOPLE: dict[str, Any] = {
    "user_features": ("gender", "zip_code", "occupation", "age"),
    "item_features": (),
    "numbers": "bucket",
}
RATING: dict[str, Any] = {
    "n_epochs": 8,
    "batch_size": 1024,
    "learning_rate": 2e-3,
    "schedule": "linear",
    "embedding_decay": 0.01,
    "init_scale": 0.01,
}

ROWS = {
    "popular": Row("Popular", top_100=True),
    "ids": Row("TwoTower", {**IDS, **TOWERS}, top_100=True, theirs="top-100 .237, best epoch .260"),
    "title": Row("TwoTower", {**TITLE, **TOWERS}, top_100=True, theirs="top-100 .237, best epoch .260"),
    "time": Row(
        "TwoTower", {**TITLE, **TOWERS, "context": ("instant",)}, top_100=True, theirs="top-100 .248"
    ),
    "retrieval-only": Row("MultiTask", {**IDS, **TOWERS, "rating_weight": 0.0}, top_100=True),
    "rating-only": Row("MultiTask", {**IDS, **ALONE, "retrieval_weight": 0.0}, rmse=True),
    "joint": Row("MultiTask", {**IDS, **JOINT}, top_100=True, rmse=True, theirs="RMSE 1.131, top-100 .239"),
    "dcn": Row("DCN", {**PEOPLE, **RATING}, rmse=True, theirs="RMSE .9425 ± .002"),
    "dnn": Row("DNN", {**PEOPLE, **RATING}, rmse=True, theirs="RMSE .9466"),
    "dot-bias": Row(
        "EmbeddingDotBias",
        {"embedding_dim": 50, "embedding_decay": 0.13, "rating_range": (0.0, 6.0)},
        rmse=True,
        theirs="RMSE .9006 (fast.ai's course)",
    ),
}


def split(*, validation: bool = False) -> Split:
    """Returns the 80,000 events of train and the 20,000 of test, or train divided again alike."""
    folder = data_folder()
    if folder is None or not (folder / "ml-100k").is_dir():
        raise SystemExit("ml-100k must be there. Set RECSMITH_DATA to the folder that holds it.")
    whole = random_holdout(load_movielens("100k", path=folder / "ml-100k"), fraction=0.2, seed=SEED)
    return random_holdout(whole.train, fraction=0.2, seed=SEED) if validation else whole


def at_the_time(judged: Split) -> Iterator[tuple[Histories, slice]]:
    """Yields the test events in blocks: a row each, the user's history in train, asked at the event's time.

    The time of a request is that of the history's newest event, which therefore is set to the event's own.
    """
    train = judged.train.histories()
    test = judged.test
    for start in range(0, len(test), BLOCK):
        some = slice(start, min(start + BLOCK, len(test)))
        rows = train.take(test.user[some])
        assert rows.time is not None and test.time is not None
        time_n = rows.time.copy()
        there = rows.lengths > 0
        time_n[rows.indptr[1:][there] - 1] = test.time[some][there]
        yield Histories(rows.indptr, rows.item, rows.weight, rows.user, time_n), some


def top_100(model: Recommender, judged: Split) -> dict[str, float]:
    """Returns the share of test events whose item is among the 100 best, of all and of unseen items."""
    hits = {"top-100": 0, "top-100 unseen": 0}
    for rows, some in at_the_time(judged):
        score_BI = np.array(model._score(rows))
        seen_BI = rows.binary(judged.train.n_items).toarray() > 0
        for name, score in (("top-100", score_BI), ("top-100 unseen", np.where(seen_BI, -np.inf, score_BI))):
            own_B = np.take_along_axis(score, judged.test.item[some][:, None], 1)
            hits[name] += int(((score > own_B).sum(1) < N_BEST).sum())
    return {name: n / len(judged.test) for name, n in hits.items()}


def rmse(model: PredictsRatings, judged: Split) -> dict[str, float]:
    """Returns the root of the mean squared error over the test events."""
    test = judged.test
    predicted_n = model.predict_codes(judged.train.histories(), test.user, test.item)
    return {"RMSE": float(np.sqrt(np.mean(np.square(predicted_n - test.weight, dtype=np.float64))))}


def measured(row: Row, judged: Split, *, seed: int) -> dict[str, float]:
    """Returns the figures of a row, and the CPU seconds of its training."""
    began = time.process_time()
    model = getattr(recsmith.models, row.model)(**row.settings)
    model.fit(judged.train, run=Run(seed=seed, n_threads=1))
    figures = {"fit, CPU s": time.process_time() - began}
    found = rmse(model, judged) if row.rmse else {}
    return found | (top_100(model, judged) if row.top_100 else {}) | figures


def main() -> None:
    """Prints a line for each row: mean and deviation over the seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this row; may repeat")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--validation", action="store_true", help="judge on a fifth of train instead")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    asked = parser.parse_args()
    judged = split(validation=asked.validation)
    for name in asked.row or ROWS:
        row = ROWS[name]
        runs = [measured(row, judged, seed=seed) for seed in range(asked.seeds if row.settings else 1)]
        each = {figure: [run[figure] for run in runs] for figure in runs[0]}
        if asked.json:
            print(json.dumps({"row": name, "model": row.model, "settings": row.settings, **each}), flush=True)
            continue
        told = [f"{figure} {np.mean(x):.4f} ± {np.std(x):.4f}" for figure, x in each.items()]
        print(f"{name:15} {row.model:17} {', '.join(told)}  theirs: {row.theirs or '–'}", flush=True)


if __name__ == "__main__":
    main()
