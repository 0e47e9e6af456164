"""Every model of the house on latest-small, 100K and 1M: accuracy, coverage, novelty, diversity, cost.

    python benchmarks/leaderboard.py                                     everything that is not known yet
    python benchmarks/leaderboard.py --data latest-small --models EASE   a part
    python benchmarks/leaderboard.py --write                             docs/leaderboard.md and its picture

Leave last out, full ranking over all unseen items, defaults (a model without them has its recipe's settings).
Each model is fitted, judged and saved in a process of its own on one thread. What would need more CPU than
`--cpu-limit` (on 1M by what it needed on 100K) is left out and said so. What was found is a line of
`benchmarks/leaderboard.jsonl`; a line that is deleted is measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leaderboard_page import write
from protocols import data_folder

from recsmith import Run, evaluate, leave_last_out, load_movielens
from recsmith.errors import InvalidValue, RecsmithError
from recsmith.models import MODELS, Recommender
from recsmith.runs.build import model_class

ROOT = Path(__file__).resolve().parents[1]
METRICS = ("NDCG@10", "HitRate@10", "Coverage@10", "Novelty@10", "Diversity@10")
EVENTS = {"latest-small": 100_836, "100k": 100_000, "1m": 1_000_209}
ROOMS = ("latest-small", "100k", "1m")
RESULTS = Path(__file__).with_suffix(".jsonl")
Rows = dict[tuple[str, str], dict[str, Any]]


def main() -> None:
    """Measures what is not measured yet, then writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--results", type=Path, default=RESULTS, help="lines of JSON, gone on with")
    parser.add_argument("--cpu-limit", type=float, default=1200.0, help="seconds for one model")
    parser.add_argument(
        "--device", default="cpu", help="where networks are trained: cpu, or cuda, which is said"
    )
    parser.add_argument("--write", action="store_true", help="only write what there is")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(measure(*asked.job, device=asked.device)))
        return
    if not asked.write:
        for size in asked.data:
            for name in asked.models:
                note(size, name, asked.results, limit=asked.cpu_limit, device=asked.device)
    write(known(asked.results), ROOMS, list(MODELS))


def note(size: str, name: str, results: Path, *, limit: float, device: str = "cpu") -> None:
    """Measures one model on one log, unless that was done, and keeps the figures or the reason."""
    rows = known(results)
    if "over" not in rows.get((size, name), {"over": None}):
        return
    expected = expected_cpu(size, name, rows) if device == "cpu" else 0.0
    if expected > limit:
        found: dict[str, Any] = {"over": limit, "expected": round(expected)}
    else:
        found = in_a_process(size, name, limit, device)
    keep(results, {**known(results), (size, name): {"data": size, "model": name, **found}})
    ndcg = found.get("metrics", {}).get("NDCG@10", {}).get("value")
    print(size, name, found.get("why") or found.get("over") or f"{ndcg:.4f}", flush=True)


def expected_cpu(size: str, name: str, rows: Rows) -> float:
    """Returns the CPU seconds by what the model needed on 100K, in proportion; 0 if that is not known."""
    before = rows.get(("100k", name), {})
    if size != "1m" or "device" in before:
        return 0.0
    return float(before.get("fit_cpu_seconds", before.get("over", 0.0))) * EVENTS["1m"] / EVENTS["100k"]


def known(results: Path) -> Rows:
    """Returns what was measured, by log and model."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    return {(row["data"], row["model"]): row for row in map(json.loads, lines)}


def keep(results: Path, rows: Rows) -> None:
    """Writes all that was measured, a line each."""
    ordered = sorted(rows.values(), key=lambda row: (ROOMS.index(row["data"]), MODELS.index(row["model"])))
    results.write_text("".join(json.dumps(row) + "\n" for row in ordered), encoding="utf-8")


def in_a_process(size: str, name: str, limit: float, device: str) -> dict[str, Any]:
    """Returns what a process of its own measured, or why it could not."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

    def at_most() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))

    command = [sys.executable, "-W", "ignore", __file__, "--device", device, "--job", size, name]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **threads}, preexec_fn=at_most
    )
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    if done.returncode in (-24, -9):  # SIGXCPU
        return {"over": limit, "expected": None}
    last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
    return {"why": last[0].partition(": ")[2] or last[0]}


def measure(size: str, name: str, *, device: str) -> dict[str, Any]:
    """Fits, judges and saves a model in this process; returns its figures and what it took."""
    folder = data_folder()
    path = None if size == "latest-small" else str((folder or Path()) / f"ml-{size}")
    split = leave_last_out(load_movielens(size, **({"path": path} if path else {})))
    model, settings = made(name)
    run = Run(n_threads=1, device=device)
    before = peak_mib()
    began = time.process_time(), time.perf_counter()
    model.fit(split.train, run=run)
    fitted = time.process_time(), time.perf_counter()
    at_most = peak_mib()
    found = evaluate(model, split, metrics=METRICS, run=run)
    judged = time.process_time()
    assert not found.leaks, found.leaks
    with TemporaryDirectory() as place:
        model.save(Path(place) / "model")
        size_bytes = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file())
    return {
        "settings": settings,
        **({} if device == "cpu" else {"device": device}),
        "metrics": found.to_dict(),
        "fit_cpu_seconds": round(fitted[0] - began[0], 3),
        "fit_seconds": round(fitted[1] - began[1], 3),
        "judge_cpu_seconds": round(judged - fitted[0], 3),
        "data_mib": round(before),
        "fit_peak_mib": round(at_most),
        "peak_mib": round(peak_mib()),
        "size_mib": round(size_bytes / 2**20, 2),
    }


def made(name: str) -> tuple[Recommender, dict[str, Any]]:
    """Returns the model with its defaults, or with its recipe's settings where it has none."""
    try:
        return model_class(name)(), {}
    except InvalidValue:
        settings = recipe_settings(name)
        return model_class(name)(**settings), settings


def recipe_settings(name: str) -> dict[str, Any]:
    """Returns the settings of the house's own recipe for a model."""
    for file in sorted((ROOT / "recipes").glob("movielens-*.toml")):
        settings = tomllib.loads(file.read_text(encoding="utf-8"))["model"]
        if settings.pop("class") == name:
            return dict(settings)
    raise RecsmithError(f"{name} must have a recipe in recipes/, as it has no defaults. Got none.")


def peak_mib() -> float:
    """Returns the most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
