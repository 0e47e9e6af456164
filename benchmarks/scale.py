"""Measures loading, splitting and turning into matrices at 25 million interactions: time and peak memory.

    python benchmarks/scale.py [--events 25000000] [--path big.parquet] [--limit-gib 4]

Each job runs in a process of its own, from Parquet to matrices, and its peak resident memory is the
kernel's own figure (getrusage). The command fails when a job goes over the limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from recsmith.data import Dataset, Split, by_time, hold_out_users, leave_last_out, random_holdout
from recsmith.data.sources.tables import read_table

_RULES: dict[str, Callable[[Dataset], Split]] = {
    "leave_last_out": leave_last_out,
    "by_time": partial(by_time, fraction=0.1),
    "random_holdout": partial(random_holdout, fraction=0.1),
    "hold_out_users": partial(hold_out_users, fraction=0.1),
}


def job(path: Path, rule: str) -> dict[str, Any]:
    """Loads, splits by a rule and makes the matrices, in this process; returns seconds and GiB."""
    steps: dict[str, dict[str, float]] = {}

    def measured(name: str, work: Callable[[], Any]) -> Any:
        start, busy = time.perf_counter(), time.process_time()
        result = work()
        steps[name] = {
            "seconds": round(time.perf_counter() - start, 2),
            "cpu_seconds": round(time.process_time() - busy, 2),
            "peak_gib": round(_peak_gib(), 2),
        }
        return result

    data = measured("load", lambda: read_table(path))
    shape = {"n_interactions": len(data), "n_users": data.n_users, "n_items": data.n_items}
    split = measured("split", partial(_RULES[rule], data))
    del data
    matrix = measured("train matrix", split.train.matrix)
    relevant = measured("test matrix", split.relevant)
    shape |= {"train_nnz": int(matrix.nnz), "test_nnz": int(relevant.nnz)}
    return {"rule": rule, "steps": steps, "shape": shape, "peak_gib": round(_peak_gib(), 2)}


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=25_000_000)
    parser.add_argument("--path", type=Path, help="a Parquet log; generated when not given")
    parser.add_argument("--limit-gib", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", choices=tuple(_RULES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(job(given.path, given.job)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = given.path
        if path is None:
            path = Path(scratch) / "log.parquet"
            maker = Path(__file__).with_name("generate.py")
            users, items = max(given.events // 154, 10), max(given.events // 423, 2_000)
            command = [sys.executable, str(maker), "--events", str(given.events), "--out", str(path)]
            subprocess.run(
                [*command, "--users", str(users), "--items", str(items)], check=True, stdout=sys.stderr
            )
        results = [_in_own_process(path, rule) for rule in tuple(_RULES)]
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        _show(results)
    if any(result["peak_gib"] > given.limit_gib for result in results):
        raise SystemExit(f"peak memory must stay within {given.limit_gib} GiB")


def _in_own_process(path: Path, rule: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--path", str(path), "--job", rule]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _show(results: list[dict[str, Any]]) -> None:
    names = list(results[0]["steps"])
    shape = results[0]["shape"]
    print(f"{shape['n_interactions']:,} interactions, {shape['n_users']:,} users, {shape['n_items']:,} items")
    print("seconds by the clock, in brackets those of all cores together")
    print(f"{'split':<16}" + "".join(f"{name:>18}" for name in names) + f"{'peak GiB':>12}")
    for result in results:
        steps = [result["steps"][name] for name in names]
        times = "".join(f"{step['seconds']:>10.1f} ({step['cpu_seconds']:>5.1f})" for step in steps)
        print(f"{result['rule']:<16}{times}{result['peak_gib']:>12.2f}")


if __name__ == "__main__":
    main()
