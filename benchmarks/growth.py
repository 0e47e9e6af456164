"""Measures how time and memory grow: load, split, fit and evaluate at 0.1, 1, 5 and 25 million interactions.

    python benchmarks/growth.py [--sizes 0.1 1 5 25] [--cells data IALS EASE …] [--again] [--write]

Each cell (the data under one rule, or one model) runs alone in a process, on one thread, on a log of
`benchmarks/generate.py`; what it found is a line of `benchmarks/growth.jsonl`, so that a run that was stopped
goes on and one cell can be measured again (`--again`). The command fails when a cell takes more than
`--limit-gib`; a model that says so before it starts has not failed. `--write` puts tables and picture into
docs/ (docs/results.md says how to read them).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generate
import growth_page
from growth_costs import COSTS
from growth_job import RULES

import recsmith.models

HERE = Path(__file__).parent
RESULTS = HERE / "growth.jsonl"
SIZES = (0.1, 1.0, 5.0, 25.0)
FEW_EPOCHS = 2
"""What a model that learns in epochs is given: time per epoch is what grows."""
JUDGED = 2000
"""Users whose lists are judged, at every size; fewer where there are fewer."""
Cell = dict[str, Any]


def shape_of(millions: float) -> generate.Shape:
    """Returns a log's shape: users grow as events do, items as their power .6; 25 is MovieLens 25M's."""
    n = round(millions * 1e6)
    return generate.Shape(n_events=n, n_users=round(n / 153.8), n_items=round(59_047 * (n / 25e6) ** 0.6))


def model_settings(name: str) -> dict[str, Any]:
    """Returns the defaults, with few epochs."""
    has_epochs = "n_epochs" in getattr(recsmith.models, name).Config.model_fields
    return {"n_epochs": FEW_EPOCHS} if has_epochs else {}


def asked_cells(names: list[str] | None) -> Iterator[tuple[str, str]]:
    """Yields kind and name of each cell: the data under each rule, then each model."""
    yield from (("data", rule) for rule in RULES if names is None or "data" in names or rule in names)
    yield from (("model", name) for name in COSTS if names is None or name in names)


def measure(kind: str, name: str, folder: Path, limit_gib: float) -> Cell:
    """Runs a cell in a process of its own and returns what it found; what it died of, where it did."""
    asked = {"kind": kind, "name": name, "folder": str(folder), "limit_gib": limit_gib}
    if kind == "model":
        asked |= {"settings": model_settings(name), "n_users": JUDGED}
    command = [sys.executable, str(HERE / "growth_job.py"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return {"steps": {}, "died": last, "peak_gib": None}
    found: Cell = json.loads(done.stdout)
    return found


def known(path: Path) -> dict[tuple[float, str], Cell]:
    """Returns the newest finding of each size and cell."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {(cell["millions"], cell["cell"]): cell for cell in map(json.loads, lines)}


def keep(path: Path, cells: dict[tuple[float, str], Cell]) -> None:
    """Writes all findings, one a line, smallest size first."""
    ordered = sorted(cells.values(), key=lambda cell: (cell["millions"], cell["kind"], cell["cell"]))
    path.write_text("".join(json.dumps(cell) + "\n" for cell in ordered), encoding="utf-8")


def main() -> int:
    """Measures the cells asked for that are not known yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES, help="millions of interactions")
    parser.add_argument("--cells", nargs="+", help="data, a split's rule, or models; all by default")
    parser.add_argument("--folder", type=Path, default=Path("runs/growth"), help="where the logs lie")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--limit-gib", type=float, default=12.0)
    parser.add_argument("--again", action="store_true", help="measure also what is known")
    parser.add_argument("--write", action="store_true", help="write tables and picture into docs/")
    asked = parser.parse_args()
    cells, over = known(asked.results), []
    for millions in asked.sizes:
        folder = asked.folder / f"{millions:g}"
        for kind, name in asked_cells(asked.cells):
            if (millions, name) in cells and not asked.again:
                continue
            _prepare(folder, millions, needs_arrays=kind == "model", limit_gib=asked.limit_gib)
            cell = {
                "millions": millions,
                "cell": name,
                "kind": kind,
                **measure(kind, name, folder, asked.limit_gib),
            }
            cells = {**known(asked.results), (millions, name): cell}
            keep(asked.results, cells)
            print(growth_page.line(cell), flush=True)
            if "died" in cell or cell["peak_gib"] > asked.limit_gib:
                over.append(f"{name} at {millions:g} million")
    if asked.write:
        growth_page.write(list(cells.values()), COSTS)
    if over:
        print(
            f"peak memory must stay within {asked.limit_gib:g} GiB. Got more, or an end: {over}",
            file=sys.stderr,
        )
    return 1 if over else 0


def _prepare(folder: Path, millions: float, *, needs_arrays: bool, limit_gib: float) -> None:
    """Makes what a cell reads, where it is not there: the log, and the arrays that the data cell leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "log.parquet").exists():
        generate.write(shape_of(millions), folder / "log.parquet")
    if needs_arrays and not (folder / "shape.json").exists():
        found = measure("data", "leave_last_out", folder, limit_gib)
        if "died" in found:
            raise SystemExit(f"the log of {millions:g} million must be read. Got: {found['died']}")


if __name__ == "__main__":
    raise SystemExit(main())
