"""What one cell of the growth benchmark runs, alone in its process: python benchmarks/growth_job.py JSON.

The peak of resident memory is the kernel's own figure (getrusage), with Python and its libraries in it
(0.2 to 0.3 GiB). RLIMIT_DATA is set to the limit, so that models know how much there is.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import recsmith.models
from recsmith import Run, evaluate
from recsmith.data import (
    Dataset,
    Interactions,
    Split,
    Vocabulary,
    by_time,
    hold_out_users,
    leave_last_out,
    random_holdout,
)
from recsmith.data.sources.tables import read_table
from recsmith.errors import InvalidValue, OutOfMemory
from recsmith.rng import generator
from recsmith.testing import toy

RULES: dict[str, Callable[[Dataset], Split]] = {
    "leave_last_out": leave_last_out,
    "by_time": partial(by_time, fraction=0.1),
    "random_holdout": partial(random_holdout, fraction=0.1),
    "hold_out_users": partial(hold_out_users, fraction=0.1),
}
_COLUMNS = ("user", "item", "weight", "time")


class Steps(dict[str, dict[str, float]]):
    """Holds for each step that was run its seconds, its CPU seconds and the peak of memory until its end."""

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        """Returns what `work` gives, and notes what it took."""
        start, busy = time.perf_counter(), time.process_time()
        result = work()
        self[name] = {
            "seconds": round(time.perf_counter() - start, 3),
            "cpu_seconds": round(time.process_time() - busy, 3),
            "peak_gib": round(peak_gib(), 3),
        }
        return result


def peak_gib() -> float:
    """Returns the most memory that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30


def data_cell(path: Path, rule: str, folder: Path) -> dict[str, Any]:
    """Loads, splits by a rule and makes the matrices; leaves the arrays of leave last out for the models."""
    steps = Steps()
    data = steps.run("load", lambda: read_table(path))
    shape = {"events": len(data), "users": data.n_users, "items": data.n_items}
    split = steps.run("split", partial(RULES[rule], data))
    del data
    matrix = steps.run("train matrix", split.train.matrix)
    relevant = steps.run("test matrix", split.relevant)
    shape |= {"train_nnz": int(matrix.nnz), "test_nnz": int(relevant.nnz)}
    if rule == "leave_last_out":
        for name, events in (("train", split.train.interactions), ("test", split.test)):
            np.save(
                folder / f"{name}.npy", np.stack([getattr(events, c).view(np.int32) for c in _COLUMNS[:3]])
            )
            np.save(folder / f"{name}-time.npy", events.time)
        (folder / "shape.json").write_text(json.dumps(shape))
    return {"steps": steps, "shape": shape}


def model_cell(
    name: str, settings: dict[str, Any], folder: Path, n_users: int, shape: dict[str, int]
) -> dict[str, Any]:
    """Fits a model on the train part and judges it on some users; kernels are compiled beforehand."""
    model = getattr(recsmith.models, name)(**settings)
    run = Run(progress=False, n_threads=1)
    _warm_up(type(model)(**settings), run)
    idle_gib = round(peak_gib(), 3)
    steps = Steps()
    split = steps.run("open", partial(_split, folder, n_users, shape))
    events_U = np.bincount(split.train.interactions.user).astype(float)
    sizes = {**shape, "squares": float((events_U**2).sum())}
    found = {"steps": steps, "shape": sizes, "idle_gib": idle_gib}
    try:
        steps.run("fit", lambda: model.fit(split.train, run=run))
    except (InvalidValue, OutOfMemory) as refusal:
        return {**found, "refused": str(refusal)}
    metrics = ["NDCG@10", "Recall@20", "Coverage@10"]
    judged = steps.run("evaluate", lambda: evaluate(model, split, metrics=metrics, run=run))
    figures = {figure.name: figure.value for figure in judged.figures}
    return {**found, "figures": figures, "judged": len(split.test_users())}


def _split(folder: Path, n_users: int, shape: dict[str, int]) -> Split:
    """Returns the split that `data_cell` left, with the tests of `n_users` users drawn at random."""
    users, items = (Vocabulary(np.arange(shape[what])) for what in ("users", "items"))
    train, test = (_events(folder, name) for name in ("train", "test"))
    asked = np.unique(test.user)
    drawn = generator(0, "growth").choice(asked, min(n_users, len(asked)), replace=False)
    test = test.select(np.flatnonzero(np.isin(test.user, drawn)))
    data = Dataset(train, users, items, feedback="ratings", name="growth")
    return Split(data, test, "Leave last out.", chronological=True)


def _events(folder: Path, name: str) -> Interactions:
    user, item, weight = np.load(folder / f"{name}.npy")
    return Interactions(user, item, weight.view(np.float32), np.load(folder / f"{name}-time.npy"))


def _warm_up(model: Any, run: Run) -> None:
    """Fits and judges a toy, so that nothing is compiled while the clock runs."""
    split = leave_last_out(toy.tastes())
    evaluate(model.fit(split.train, run=run), split, metrics=["NDCG@10", "Coverage@10"], run=run)


def main() -> None:
    """Runs the cell that the first argument describes and prints what it found as JSON."""
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    if asked["kind"] == "data":
        found = data_cell(folder / "log.parquet", asked["name"], folder)
    else:
        limit = int(asked["limit_gib"] * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        shape = json.loads((folder / "shape.json").read_text())
        found = model_cell(asked["name"], asked["settings"], folder, asked["n_users"], shape)
    print(json.dumps({**found, "peak_gib": round(peak_gib(), 3)}))


if __name__ == "__main__":
    main()
