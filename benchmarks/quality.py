"""Repeats the rows of docs/results.md: model, settings, figure with interval, target, met or not.

    python benchmarks/quality.py                     every row
    python benchmarks/quality.py --row ease-ncf      one row (again for more)
    python benchmarks/quality.py --write             and write the table into docs/results.md

Needs MovieLens 100K and 1M (with the NCF files) in the folder that RECSMITH_DATA names. Exit code 1 if a
target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from protocols import SEED, missing, tasks
from rows import HIGHER, ROWS, Row

import recsmith.models
from recsmith import Run, evaluate

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results.md"
START, END = "<!-- benchmarks/quality.py writes from here -->", "<!-- to here -->"
PROTOCOLS = {
    "ncf": "ML-1M, NCF files: leave last out, 99 sampled negatives",
    "10core": "ML-1M, ratings ≥ 4, 10-core: a random fifth of each user's, 5 seeds, full ranking",
    "100k": "ML-100K, 5 shuffled folds, mean",
    "100k-official": "ML-100K, official folds u1 to u5, mean",
    "100k-u1": "ML-100K, official fold u1",
    "1m-90/10": "ML-1M, a random tenth held out",
}


@dataclass(frozen=True)
class Outcome:
    """What a row came to: per metric the mean over tasks, with its interval, or deviation over the tasks."""

    row: Row
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    fit_seconds: float
    evaluate_seconds: float
    deviations: dict[str, float] = field(default_factory=dict)

    def met(self) -> bool | None:
        """Says whether all targets are met; None for a row without."""
        if not self.row.targets:
            return None
        return all(
            self.values[name] >= figure if sense == HIGHER else self.values[name] <= figure
            for name, (sense, figure) in self.row.targets.items()
        )


def measure(row: Row, *, run: Run | None = None) -> Outcome:
    """Fits and judges a row's model on each task of its protocol."""
    this_run = run or Run(seed=SEED)
    found: dict[str, list[float]] = {name: [] for name in row.metrics}
    intervals: dict[str, tuple[float, float]] = {}
    fit = judge = 0.0
    judged = tasks(row.protocol)
    for task in judged:
        start = time.perf_counter()
        model = getattr(recsmith.models, row.model)(**row.settings).fit(task.split.train, run=this_run)
        fit += time.perf_counter() - start
        start = time.perf_counter()
        evaluation = evaluate(
            model, task.split, metrics=row.metrics, candidates=task.candidates, run=this_run
        )
        judge += time.perf_counter() - start
        assert not evaluation.leaks, evaluation.leaks
        for figure in evaluation.figures:
            found[figure.name].append(figure.value)
            if len(judged) == 1 and figure.low is not None and figure.high is not None:
                intervals[figure.name] = (figure.low, figure.high)
    values = {name: float(np.mean(each)) for name, each in found.items()}
    deviations = {name: float(np.std(each, ddof=1)) for name, each in found.items() if len(each) > 1}
    return Outcome(row, values, intervals, fit, judge, deviations)


def markdown(outcomes: list[Outcome]) -> str:
    """Gives the table for docs/results.md."""
    lines = [
        "| model | protocol | settings (others default) | measured | target | met | published | fit | row |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        row = outcome.row
        settings = ", ".join(f"`{name}={value!r}`" for name, value in row.settings.items()) or "all default"
        target = "<br>".join(f"{name} {sense} {figure:g}" for name, (sense, figure) in row.targets.items())
        published = "<br>".join(f"{name} {figure:.4f}" for name, figure in row.published.items())
        met = {True: "yes", False: "**no**", None: "–"}[outcome.met()]
        name = f"`{row.model}`" + (f", {row.remark}" if row.remark else "")
        cells = [
            name,
            PROTOCOLS[row.protocol],
            settings,
            _measured(outcome),
            target or "–",
            met,
            published or "–",
            f"{outcome.fit_seconds:.1f} s",
            f"`benchmarks/quality.py --row {row.name}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(outcomes: list[Outcome]) -> None:
    """Puts the table between its marks in docs/results.md, at the end where there are none."""
    text = RESULTS.read_text(encoding="utf-8")
    if START not in text:
        text = f"{text.rstrip()}\n\n{START}\n{END}\n"
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    RESULTS.write_text(f"{before}{START}\n\n{markdown(outcomes)}\n\n{END}{after}", encoding="utf-8")


def _measured(outcome: Outcome) -> str:
    parts = []
    for name, value in outcome.values.items():
        around, deviation = outcome.intervals.get(name), outcome.deviations.get(name)
        spread = f" [{around[0]:.4f}, {around[1]:.4f}]" if around else ""
        parts.append(f"{name} {value:.4f}{spread}" + (f" ± {deviation:.4f}" if deviation else ""))
    return "<br>".join(parts)


def main() -> int:
    """Runs the rows asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--row", action="append", choices=[row.name for row in ROWS], help="only this row; may repeat"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the table into docs/results.md (all rows)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    asked = parser.parse_args()
    if asked.write and asked.row:
        parser.error("--write goes with all rows, so that the table is whole")
    outcomes = []
    for row in (row for row in ROWS if not asked.row or row.name in asked.row):
        why = missing(row.protocol)
        if why:
            print(f"{row.name}: skipped, {why}", file=sys.stderr)
            continue
        outcome = measure(row)
        outcomes.append(outcome)
        print(json.dumps(_plain(outcome)) if asked.json else _line(outcome), flush=True)
    if asked.write:
        write(outcomes)
    return 1 if any(outcome.met() is False for outcome in outcomes) else 0


def _line(outcome: Outcome) -> str:
    met = {True: "met", False: "MISSED", None: ""}[outcome.met()]
    target = ", ".join(f"{name} {sense} {figure:g}" for name, (sense, figure) in outcome.row.targets.items())
    seconds = f"fit {outcome.fit_seconds:.1f} s, evaluate {outcome.evaluate_seconds:.1f} s"
    figures = _measured(outcome).replace("<br>", ", ")
    return (
        f"{outcome.row.name:22} {figures}  target {target or '–'} {met}  ({seconds}) {outcome.row.settings}"
    )


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "row": outcome.row.name, "model": outcome.row.model, "settings": outcome.row.settings,
        "protocol": outcome.row.protocol, "values": outcome.values, "intervals": outcome.intervals,
        "deviations": outcome.deviations,
        "targets": outcome.row.targets, "met": outcome.met(), "fit_seconds": outcome.fit_seconds,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
