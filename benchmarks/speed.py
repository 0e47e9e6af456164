"""Measures recsmith beside the libraries people would pick instead: python benchmarks/speed.py.

    python benchmarks/speed.py --peers DIR           every line; makes peers' environments in DIR at first
    python benchmarks/speed.py --row itemknn-ml1m    one line (again for more)
    python benchmarks/speed.py --write               and write the table into docs/results.md

Each side is a process of its own; they take turns, several times after one run that does not count. The
results are held to each other before a time is. Seconds are medians; a ratio is theirs over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from speed_rows import DATA, Comparison, Side, comparisons

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "docs" / "results.md"
START, END = "<!-- benchmarks/speed.py writes from here -->", "<!-- benchmarks/speed.py writes to here -->"


@dataclass(frozen=True)
class Outcome:
    """What a comparison came to with so many threads: medians, and whether both sides agree."""

    row: Comparison
    threads: int
    ours: tuple[float, float]
    """CPU seconds and seconds by the clock."""
    peer: tuple[float, float]
    agree: bool
    figures: str

    @property
    def ratios(self) -> tuple[float, float]:
        """Theirs over ours, in CPU seconds and by the clock."""
        return self.peer[0] / self.ours[0], self.peer[1] / self.ours[1]


class Worker:
    """One side's process."""

    def __init__(self, python: str, side: Side, data: Path, threads: int) -> None:
        settings = json.dumps({**side.settings, "threads": threads})
        # OpenBLAS picks its own kernel: a machine may hold it to another one for old builds' sake.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
        # implicit asks for one BLAS thread and makes its own; so do we.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)}
        if side.file.startswith("peers/"):
            environment.pop("PYTHONPATH", None)
        self._per = side.per
        self._process = subprocess.Popen(
            [python, str(HERE / side.file), side.job, str(data), settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "NUMBA_NUM_THREADS": str(threads)},
        )
        self._read()

    def run(self) -> tuple[float, float]:
        """Does the job once; returns CPU seconds and seconds by the clock."""
        cpu, wall = json.loads(self._ask("run"))
        return cpu / self._per, wall / self._per

    def arrays(self, path: Path) -> dict[str, np.ndarray]:
        """Returns the last result."""
        self._ask(f"save {path}")
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended without an answer")
        return line.strip()


def measure(row: Comparison, threads: int, data: Path, peers: Path, scratch: Path) -> Outcome:
    """Lets both sides take turns."""
    python = peers / row.peer.environment / "bin" / "python"
    ours = Worker(sys.executable, row.ours, data, threads)
    theirs = Worker(str(python), row.peer, data, threads)
    pairs = [(ours.run(), theirs.run()) for _ in range(1 + row.repeats)][1:]
    with np.load(data) as stored:
        agree, figures = row.check(
            {name: stored[name] for name in stored.files},
            ours.arrays(scratch / "ours.npz"),
            theirs.arrays(scratch / "theirs.npz"),
        )
    ours.close()
    theirs.close()
    medians = [
        (statistics.median(cpu for cpu, _ in side), statistics.median(wall for _, wall in side))
        for side in zip(*pairs, strict=True)
    ]
    return Outcome(row, threads, medians[0], medians[1], agree, figures)


def environments(folder: Path, names: set[str]) -> None:
    """Makes the peers' environments of these names where they are not there yet."""
    for name in sorted(names):
        place, requirements = folder / name, HERE / "peers" / f"speed-{name}.txt"
        if not (place / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            install = [str(place / "bin" / "pip"), "install", "--quiet", "-r", str(requirements)]
            subprocess.run(install, check=True)


def markdown(outcomes: list[Outcome]) -> str:
    """Gives the table for docs/results.md."""
    lines = [
        "| work | recsmith | peer | threads | CPU s | theirs | ratio | s | theirs | ratio | asked | result |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in outcomes:
        row, (cpu, wall) = one.row, one.ratios
        met = f"**{cpu:.1f} ×**" if cpu >= row.target else f"{cpu:.1f} ×"
        cells = [
            row.title, row.ours.title, row.peer.title, str(one.threads), _seconds(one.ours[0]),
            _seconds(one.peer[0]), met, _seconds(one.ours[1]), _seconds(one.peer[1]), f"{wall:.1f} ×",
            f"{row.target:g} ×", ("" if one.agree else "**no**: ") + one.figures,
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(outcomes: list[Outcome]) -> None:
    """Puts the table between its marks in docs/results.md."""
    text = RESULTS.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    RESULTS.write_text(f"{before}{START}\n\n{markdown(outcomes)}\n\n{END}{after}", encoding="utf-8")


def _seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def main() -> int:
    """Measures the lines asked for; exit code 1 when a result is not the peer's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [row.name for row in comparisons()]
    parser.add_argument("--row", action="append", choices=names, help="only this line; may repeat")
    parser.add_argument("--threads", type=int, action="append", help="default 1 and 2")
    parser.add_argument("--peers", type=Path, default=Path(".peers"), help="folder of the environments")
    parser.add_argument("--data", type=Path, help="keep the data there from one call to the next")
    parser.add_argument("--write", action="store_true", help="write the table into docs/results.md")
    asked = parser.parse_args()
    if asked.write and asked.row:
        parser.error("--write goes with all lines, so that the table is whole")
    rows = [row for row in comparisons() if not asked.row or row.name in asked.row]
    environments(asked.peers, {row.peer.environment for row in rows})
    outcomes = []
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        folder = asked.data or scratch
        for row in rows:
            data = folder / f"{row.data}.npz"
            if not data.exists():
                np.savez(data, **DATA[row.data]())
            for threads in asked.threads or row.threads:
                outcome = measure(row, threads, data, asked.peers, scratch)
                outcomes.append(outcome)
                print(markdown([outcome]).splitlines()[-1], flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    if asked.write:
        write(outcomes)
    return 0 if all(outcome.agree for outcome in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
