"""Times IALS, EASE and lists of ten on a GPU beside the CPU: python benchmarks/gpu_classic.py.

Seconds by the clock, medians of some rounds after one that does not count, MovieLens 1M in the folder that
RECSMITH_DATA names. Beside each: the operations it needs and the share of a large float32 product on the same
device; of IALS also the bytes of gathered vectors and the share of a large copy. `--device cpu` runs the same
on torch's CPU device, to see that the script works.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from matrix_rate import ease_needs
from protocols import data_folder

from recsmith import Run, load_movielens
from recsmith.data import Dataset
from recsmith.models import EASE, IALS, Recommender, base
from recsmith.models.factorization import ease, ials
from recsmith.training.device import resolve

PRODUCT, COPIED = 8192, 2**28
N_DIMS, N_EPOCHS, N_STEPS = 64, 15, 3
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


def ials_needs(data: Dataset) -> tuple[float, float]:
    """Operations and bytes of a fit: all steps multiply each event's vector twice, and D² a row."""
    events, both = float(data.binary().nnz), data.n_users + data.n_items
    passes = 2 * (N_STEPS + 2) * N_EPOCHS  # steps, the first residual and the loss, on both sides
    return passes * 2 * (2 * events * N_DIMS + both * N_DIMS**2), passes * 2 * 4 * events * N_DIMS


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
    for name, make, needs in (
        ("`IALS`, 64 factors, 15 epochs", lambda: IALS(embedding_dim=N_DIMS, n_epochs=N_EPOCHS), ials_needs),
        ("`EASE`", lambda: EASE(solver="primal"), lambda data: (ease_needs(data, {}), 0.0)),
    ):
        operations, moved = needs(data)
        mine, theirs = make().fit(data, run=HERE), make().fit(data, run=there)
        taken = seconds(lambda make=make: make().fit(data, run=there), device, rounds)
        before = seconds(lambda make=make: make().fit(data, run=HERE), cpu, rounds)
        agree = same(lists(mine, HERE), lists(theirs, HERE))
        copy = f"{moved / taken / bandwidth:.1%}" if moved else "–"
        row = f"{operations / 1e9:.1f} G | {operations / taken / flops:.1%} | {copy} | {agree:.1%}"
        print(f"| {name} | {before:.3f} | {taken:.3f} | {row} |", flush=True)
        width = N_DIMS if isinstance(mine, IALS) else data.n_items
        operations = 2.0 * data.n_users * data.n_items * width
        taken = seconds(lists(mine, there), device, rounds)
        before = seconds(lists(mine, HERE), cpu, rounds)
        agree = same(lists(mine, HERE), lists(mine, there))
        row = f"{operations / 1e9:.1f} G | {operations / taken / flops:.1%} | – | {agree:.1%}"
        print(f"| top 10 of {data.n_users:,} | {before:.3f} | {taken:.3f} | {row} |", flush=True)


def main() -> None:
    """Measures on the device that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    folder, device = data_folder(), resolve(asked.device)
    if folder is None or not (folder / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    there = Run(device=asked.device, progress=False)
    if device.type == "cpu":  # no run can name torch's CPU device
        there = Run(device="torch", progress=False)
        for module in (ease, ials, base):
            module.accelerator = lambda run: device if run is there else None
    measure(load_movielens("1m", path=folder / "ml-1m"), device, there, asked.rounds)


if __name__ == "__main__":
    main()
