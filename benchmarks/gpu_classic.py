"""Times IALS, EASE and lists of ten on a GPU beside the CPU: python benchmarks/gpu_classic.py.

Seconds by the clock, medians of some rounds after one that does not count, MovieLens 1M in the folder that
RECSMITH_DATA names. Beside each: the operations it needs and the share of a large float32 product on the same
device; of IALS also the bytes of gathered vectors and the share of a large copy. `--made` takes a generated
log of 8 million events and 20,000 items instead. `--device cpu` runs the same on torch's CPU device, to see
that the script works.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from generate import Shape, write
from matrix_rate import ease_needs
from protocols import data_folder

from recsmith import Run, load_movielens
from recsmith.data import Dataset
from recsmith.data.sources.tables import read_table
from recsmith.models import EASE, IALS, Recommender, base
from recsmith.models.factorization import ease, ials
from recsmith.training.device import resolve

PRODUCT, COPIED = 8192, 2**28
N_EPOCHS, N_STEPS = 15, 3
MADE = Shape(n_events=8_000_000, n_users=50_000, n_items=20_000, tastes=20)
HERE = Run(device="cpu", progress=False)


def seconds(work: Callable[[], Any], device: torch.device, rounds: int) -> float:
    """Returns the median of a call's seconds by the clock, until the device has done it."""
    taken = []
    for _ in range(1 + rounds):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return median(taken[1:])


def rates(device: torch.device, rounds: int) -> tuple[float, float]:
    """Returns the device's operations a second in a product, and bytes a second in a copy."""
    left = torch.randn(PRODUCT, PRODUCT, device=device)
    source = torch.zeros(COPIED, device=device)
    to = torch.empty_like(source)
    product = seconds(lambda: left @ left, device, rounds)
    return 2 * PRODUCT**3 / product, 8 * COPIED / seconds(lambda: to.copy_(source), device, rounds)


def ials_needs(data: Dataset, n_dims: int) -> tuple[float, float]:
    """Operations and bytes of a fit: all steps multiply each event's vector twice, and D² a row."""
    events, both = float(data.binary().nnz), data.n_users + data.n_items
    passes = (N_STEPS + 2) * N_EPOCHS  # steps, the first residual and the loss; a pass is both sides
    return passes * (8 * events * n_dims + 2 * both * n_dims**2), passes * 2 * 2 * 4 * events * n_dims


def lists(model: Recommender, run: Run) -> Callable[[], Any]:
    """Returns the work of making everybody's list of ten."""
    return lambda: [block.codes for block in model.top_k(model.memory.histories, k=10, run=run)]


def same(one: Callable[[], Any], other: Callable[[], Any]) -> float:
    """Returns the share of places that hold the same item."""
    return float((np.concatenate(one()) == np.concatenate(other())).mean())


def measure(data: Dataset, device: torch.device, there: Run, rounds: int) -> None:
    """Prints the table."""
    flops, bandwidth = rates(device, rounds)
    print(f"{device}: {flops / 1e9:,.0f} G operations/s, {bandwidth / 1e9:,.0f} GB/s\n")
    print("| work | CPU s | device s | operations | share of a product | share of a copy | same |")
    print("|---|---|---|---|---|---|---|")
    cpu = torch.device("cpu")
    for name, make, (operations, moved) in jobs(data):
        mine, theirs = make().fit(data, run=HERE), make().fit(data, run=there)
        taken = seconds(lambda make=make: make().fit(data, run=there), device, rounds)
        before = seconds(lambda make=make: make().fit(data, run=HERE), cpu, rounds)
        agree = same(lists(mine, HERE), lists(theirs, HERE))
        copy = f"{moved / taken / bandwidth:.1%}" if moved else "–"
        row = f"{operations / 1e9:,.1f} G | {operations / taken / flops:.1%} | {copy} | {agree:.1%}"
        print(f"| {name} | {before:.3f} | {taken:.3f} | {row} |", flush=True)
        width = getattr(mine.config, "embedding_dim", data.n_items)
        operations = 2.0 * data.n_users * data.n_items * width
        taken = seconds(lists(mine, there), device, rounds)
        before = seconds(lists(mine, HERE), cpu, rounds)
        agree = same(lists(mine, HERE), lists(mine, there))
        row = f"{operations / 1e9:,.1f} G | {operations / taken / flops:.1%} | – | {agree:.1%}"
        print(f"| top 10 of {data.n_users:,} | {before:.3f} | {taken:.3f} | {row} |", flush=True)


def jobs(data: Dataset) -> Iterator[tuple[str, Callable[[], Recommender], tuple[float, float]]]:
    """Yields what is measured: a title, a model, and the operations and bytes that its fit needs."""
    for n_dims in (64, 192):
        make = partial(IALS, embedding_dim=n_dims, n_epochs=N_EPOCHS)
        yield f"`IALS`, {n_dims} factors, {N_EPOCHS} epochs", make, ials_needs(data, n_dims)
    yield "`EASE`", partial(EASE, solver="primal"), (ease_needs(data, {}), 0.0)


def log_of(made: bool) -> Dataset:
    """Returns MovieLens 1M or the generated log."""
    if made:
        with TemporaryDirectory() as folder:
            write(MADE, Path(folder) / "log.parquet")
            return read_table(Path(folder) / "log.parquet")
    there = data_folder()
    if there is None or not (there / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    return load_movielens("1m", path=there / "ml-1m")


def main() -> None:
    """Measures on the device that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--made", action="store_true", help="the generated log")
    asked = parser.parse_args()
    device = resolve(asked.device)
    there = Run(device=asked.device, progress=False)
    if device.type == "cpu":  # no run can name torch's CPU device
        there = Run(device="torch", progress=False)
        for module in (ease, ials, base):
            module.accelerator = lambda run: device if run is there else None
    measure(log_of(asked.made), device, there, asked.rounds)


if __name__ == "__main__":
    main()
