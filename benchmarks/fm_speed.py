"""The Bayesian factorization machine beside myFM's, in one run: python benchmarks/fm_speed.py --myfm PYTHON.

PYTHON is that of an environment which has myFM (`pip install myfm`). MovieLens 100K, official fold u1, ids
alone, the same rank, sweeps and samples kept (all but the first ten). Each fit is a process of its own, on
one thread, and the two take turns; CPU seconds of fitting and of predicting the fold's 20,000 test ratings,
medians over the rounds, each round with another seed.

What bounds ours is latency. For each factor an event adds four numbers to the sums of its user and four to
those of its item, a cache line each; both tables lie in the cache of the second level, so it is not bytes,
and some 20 operations are not flops either. But events of one user follow each other, and each add waits for
the one before, about ten cycles. `touch_ns` is the time of fitting by event, block, factor and sweep.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from protocols import missing, tasks

from recsmith.config import Run
from recsmith.models import FactorizationMachine

PEER = Path(__file__).parent / "peers" / "myfm_ml100k.py"
BURN_IN = 10


def ours(rank: int, n_sweeps: int, seed: int) -> dict[str, float]:
    """Fits and predicts; compiling is not timed."""
    (task,) = tasks("100k-u1")
    train, test = task.split.train, task.split.test
    settings: dict[str, Any] = {"user_features": [], "item_features": [], "embedding_dim": rank}
    warm = FactorizationMachine(n_epochs=1, **settings).fit(train, run=Run(n_threads=1))
    warm.predict_codes(train.histories(), test.user[:9], test.item[:9])
    began = time.process_time()
    model = FactorizationMachine(n_epochs=n_sweeps, n_burn_in=BURN_IN, n_samples=n_sweeps, **settings)
    model.fit(train, run=Run(seed=seed, n_threads=1))
    fitted = time.process_time()
    predicted = model.predict_codes(train.histories(), test.user, test.item)
    done = time.process_time()
    rmse = float(np.sqrt(np.mean((predicted - test.weight) ** 2)))
    touches = 2 * len(train) * (rank + 1) * n_sweeps
    touch_ns = (fitted - began) / touches * 1e9
    return {"fit": fitted - began, "predict": done - fitted, "RMSE": rmse, "touch_ns": touch_ns}


def fold(path: Path) -> None:
    """Writes what the peer reads."""
    (task,) = tasks("100k-u1")
    train, test = task.split.train, task.split.test
    events = {"train": train.interactions, "test": test}
    columns = {
        f"{part}_{name}": getattr(log, column)
        for part, log in events.items()
        for name, column in (("user", "user"), ("item", "item"), ("rating", "weight"))
    }
    np.savez(path, n_users=train.n_users, n_items=train.n_items, **columns)


def main() -> None:
    """Takes turns, and prints the medians and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--myfm", metavar="PYTHON", help="of an environment that has myFM")
    parser.add_argument("--rank", type=int, default=10)
    parser.add_argument("--sweeps", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)  # one of ours, in this process
    asked = parser.parse_args()
    if asked.seed is not None:
        print(json.dumps(ours(asked.rank, asked.sweeps, asked.seed)))
        return
    why = missing("100k-u1")
    if why or not asked.myfm:
        parser.error(why or "--myfm PYTHON says where myFM is")
    found: dict[str, list[dict[str, float]]] = {"recsmith": [], "myFM": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fold.npz"
        fold(file)
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        for seed in range(asked.rounds):
            rank, sweeps = str(asked.rank), str(asked.sweeps)
            sizes = ["--rank", rank, "--sweeps", sweeps, "--seed", str(seed)]
            calls = {
                "recsmith": [sys.executable, __file__, *sizes],
                "myFM": [asked.myfm, str(PEER), str(file), rank, sweeps, str(seed)],
            }
            for name, call in calls.items():
                told = subprocess.run(call, env=one, check=True, capture_output=True, text=True).stdout
                found[name].append(json.loads(told.splitlines()[-1]))
                print(seed, name, found[name][-1], flush=True)
    for name, rounds in found.items():
        figures = {key: median(row[key] for row in rounds) for key in rounds[0]}
        print(name, {key: round(value, 4) for key, value in figures.items()})
    spent = {name: median(row["fit"] + row["predict"] for row in rounds) for name, rounds in found.items()}
    ratio, load = spent["myFM"] / spent["recsmith"], os.getloadavg()[0]
    print(f"myFM / recsmith, fit and predict: {ratio:.2f}; load {load:.0f}")


if __name__ == "__main__":
    main()
