"""Sets EASE and the graph filter beside this machine's matrix product: python benchmarks/matrix_rate.py.

For each: the operations that a fit needs, the CPU seconds it takes on one thread, and the rate of a large
matrix product of the same precision, measured before and after each fit; medians of some rounds. Needs
MovieLens 1M in the folder that RECSMITH_DATA names; `--events` generates a larger log besides.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from protocols import data_folder

import recsmith.models
from recsmith import Run, load_movielens
from recsmith.data import Dataset
from recsmith.data.sources.tables import read_table
from recsmith.kernels.threads import one_blas_thread
from recsmith.testing import toy

ROUNDS = 5
PRODUCT = 2048
TRUNCATED = "recsmith.models.factorization.truncated"
RUN = Run(n_threads=1, progress=False)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Says what is fitted, and what that needs: operations of the whole, and of products that are dense."""

    title: str
    model: str
    settings: dict[str, Any]
    precision: str
    needs: Callable[[Dataset, dict[str, Any]], float]


def pairs(data: Dataset) -> float:
    """Returns the operations of a Gram matrix from sparse rows: Σ_u events², half of it twice."""
    return float((np.diff(data.binary().indptr).astype(float) ** 2).sum())


def ease_needs(data: Dataset, _: dict[str, Any]) -> float:
    """The Gram matrix, and I³ for an inverse by symmetry (Cholesky's third, and two thirds from there)."""
    return pairs(data) + float(data.n_items) ** 3


def filter_needs(data: Dataset, settings: dict[str, Any]) -> float:
    """The Gram matrix, the SVD's products with the log and back, and V Vᵀ.

    M directions of the smaller side S, which are met by the log and made orthogonal to each other twice, come
    to 4·events·M + 4·S·M²; rotating them to D of these and to the values, 2·(S·M + events + larger side·D)·D.
    """
    n_dims = recsmith.models.GFCF(**settings).config.embedding_dim
    met, events = directions_of("GFCF", settings, data), data.binary().nnz
    small, large = sorted((data.n_users, data.n_items))
    svd = 4.0 * events * met + 4.0 * small * met**2 + 2.0 * n_dims * (small * met + events + large * n_dims)
    return pairs(data) + svd + 2 * data.n_items**2 * n_dims


ROWS = tuple(
    row
    for row in (
        Row(
            title="`EASE`", model="EASE", settings={"solver": "primal"}, precision="float32", needs=ease_needs
        ),
        Row(
            title="`EASE`, inverted in float64",
            model="EASE",
            settings={"solver": "primal", "precision": "float64"},
            precision="float64",
            needs=ease_needs,
        ),
        Row(title="`GFCF`", model="GFCF", settings={}, precision="float32", needs=filter_needs),
    )
    if row.model in recsmith.models.MODELS
)


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Returns the CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def product_rate(precision: str) -> float:
    """Returns the operations a second of one large product of matrices on one thread."""
    left = np.random.default_rng(0).standard_normal((PRODUCT, PRODUCT)).astype(precision)
    with one_blas_thread():
        return 2 * PRODUCT**3 / cpu_seconds(lambda: left @ left)


def directions_of(model: str, settings: dict[str, Any], data: Dataset) -> int:
    """Returns how many directions the SVD of a fit meets with the log, each by a product and one back."""
    truncated = importlib.import_module(TRUNCATED)
    whole = truncated.largest_eigenpairs
    count = 0

    def counted(product: Callable[[np.ndarray], np.ndarray], *arguments: Any, **named: Any) -> Any:
        def work(block_SK: np.ndarray) -> np.ndarray:
            nonlocal count
            count += block_SK.shape[1]
            return product(block_SK)

        return whole(work, *arguments, **named)

    truncated.largest_eigenpairs = counted
    try:
        getattr(recsmith.models, model)(**settings).fit(data, run=RUN)
    finally:
        truncated.largest_eigenpairs = whole
    return count


def measure(row: Row, data: Dataset, rounds: int) -> str:
    """Returns a line of the table."""
    fit = getattr(recsmith.models, row.model)(**row.settings).fit
    rates, seconds = [product_rate(row.precision)], []
    for _ in range(rounds):
        seconds.append(cpu_seconds(lambda: fit(data, run=RUN)))
        rates.append(product_rate(row.precision))
    needs, taken, rate = row.needs(data, row.settings), median(seconds), median(rates)
    cells = [
        row.title,
        f"{data.n_users:,} × {data.n_items:,}",
        f"{needs / 1e9:.1f} G",
        f"{taken:.2f} s",
        f"{needs / taken / 1e9:.1f} G/s",
        f"{rate / 1e9:.0f} G/s",
        f"{taken * rate / needs:.2f} ×",
    ]
    return f"| {' | '.join(cells)} |"


def generated(n_events: int, folder: Path) -> Dataset:
    """Returns a log as the growth benchmark makes it."""
    from generate import write
    from growth import shape_of

    write(shape_of(n_events / 1e6), folder / "log.parquet")
    return read_table(folder / "log.parquet")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", nargs="+", help="names of models; all by default")
    parser.add_argument("--events", type=int, help="also on a generated log of so many")
    asked = parser.parse_args()
    folder = data_folder()
    if folder is None or not (folder / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    logs = [load_movielens("1m", path=folder / "ml-1m")]
    if asked.events:
        with tempfile.TemporaryDirectory() as scratch:
            logs.append(generated(asked.events, Path(scratch)))
    print("| model | people × items | operations needed | CPU s | that is | a matrix product | longer by |")
    print("|---|---|---|---|---|---|---|")
    for row in ROWS:
        if asked.rows and row.model not in asked.rows:
            continue
        getattr(recsmith.models, row.model)(**row.settings).fit(toy.tastes(), run=RUN)  # compiles
        for data in logs:
            print(measure(row, data, asked.rounds), flush=True)


if __name__ == "__main__":
    main()
