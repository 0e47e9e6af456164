"""Counts what the work of benchmarks/speed.py needs at least: python benchmarks/speed_bounds.py.

For IALS, BPR, lists of ten and ranking metrics: operations or bytes, the CPU seconds they take on one thread,
and this machine's rate, measured beside them. Medians of some rounds; the data are those of speed.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matrix_rate import cpu_seconds, product_rate
from numba import njit
from scipy import sparse
from speed_jobs import METRICS, bpr, ials, metrics, recommend
from speed_rows import DATA, Arrays

from recsmith.kernels.threads import one_blas_thread
from recsmith.kernels.topk import top_k
from recsmith.kernels.vectors import dot_difference, step_pair
from recsmith.models.factorization.shared import Rows, gram, solve

CG_STEPS = 3


def seconds(work: Callable[[], Any], rounds: int) -> float:
    """Returns the median CPU seconds of a call, after one that does not count."""
    return median([cpu_seconds(work) for _ in range(1 + rounds)][1:])


def fit_seconds(job: Callable[..., Any], data: Arrays, rounds: int, **settings: Any) -> float:
    """Returns the CPU seconds of a fit."""
    prepare, work, _ = job(data, threads=1, **settings)
    given = prepare()
    return seconds(lambda: work(given), rounds)


def of_ials(data: Arrays, n_dims: int, rounds: int) -> None:
    """An epoch by conjugate gradients, from two fits' difference, and the exact half-step at the end."""
    n_users, n_items = (int(n) for n in data["shape"])
    ones = np.ones(len(data["user"]), np.float32)
    rows = Rows.of(sparse.csr_matrix((ones, (data["user"], data["item"])), shape=(n_users, n_items)))
    n_events, both = len(rows.item), n_users + n_items
    # A product with the matrix of a row reads each event's vector twice, and D² a row; and Gram matrices.
    steps = 2 * n_events * n_dims * 2 * (CG_STEPS + 1) + both * n_dims**2 * (CG_STEPS + 1)
    needs = 2 * (steps + both * n_dims**2 / 2)
    long, short = (fit_seconds(ials, data, rounds, embedding_dim=n_dims, n_epochs=n) for n in (7, 2))
    tell(f"IALS {n_dims}, an epoch", needs, (long - short) / 5)
    drawn = np.random.default_rng(0).standard_normal((n_items, n_dims)).astype(np.float32)
    base_DD, penalty_B = gram(drawn), np.full(n_users, 10, np.float32)
    exact = 2 * (n_events * n_dims**2 / 2 + n_users * n_dims**3 / 6)
    value = rows.value
    tell(
        f"IALS {n_dims}, all users by Cholesky",
        exact,
        seconds(lambda: solve(rows, value, drawn, base_DD, penalty_B), rounds),
    )


@njit(nogil=True, cache=True)
def _steps(user, above, below, user_UD, item_ID):
    total = np.float32(0)
    for event in range(len(user)):
        u, i, j = user_UD[user[event]], item_ID[above[event]], item_ID[below[event]]
        total += dot_difference(u, i, j)
        step_pair(u, i, j, np.float32(1), np.float32(0))
    return total


def of_bpr(data: Arrays, n_dims: int, rounds: int) -> None:
    """An epoch, and its reading and writing of vectors alone, in the same random order."""
    long, short = (fit_seconds(bpr, data, rounds, embedding_dim=n_dims, n_epochs=n) for n in (7, 2))
    epoch, n_events = (long - short) / 5, len(data["user"])
    draw = np.random.default_rng(0)
    order = draw.permutation(n_events)
    user_UD, item_ID = (draw.standard_normal((int(n), n_dims)).astype(np.float32) for n in data["shape"])
    user, above = data["user"][order], data["item"][order]
    below = above[draw.permutation(n_events)]
    alone = seconds(lambda: _steps(user, above, below, user_UD, item_ID), rounds)
    kilobytes = 2 * 3 * 4 * n_dims / 1e3
    for title, taken in (("an epoch", epoch), ("vectors read and written, no more", alone)):
        each = taken / n_events * 1e9
        rate = kilobytes * 1e3 / each
        print(f"BPR {n_dims}, {title}: {each:.1f} ns an event, {kilobytes:.2f} kB, {rate:.0f} GB/s")


def of_lists(data: Arrays, rounds: int) -> None:
    """Lists of ten, and the product of matrices and the pass over the scores that they need."""
    _, work, _ = recommend(data, threads=1, k=10)
    user_UD, item_ID = data["user_UD"], data["item_ID"]
    needs = 2.0 * len(user_UD) * item_ID.size
    tell("top 10, whole", needs, seconds(lambda: work(None), rounds))
    blocks = [user_UD[start : start + 512] for start in range(0, len(user_UD), 512)]
    with one_blas_thread():
        tell("top 10, product alone", needs, seconds(lambda: [b @ item_ID.T for b in blocks], rounds))
        scores = [block @ item_ID.T for block in blocks]
    taken = seconds(lambda: [top_k(score, 10) for score in scores], rounds)
    n_bytes = 4 * len(user_UD) * len(item_ID)
    print(
        f"top 10, pass over scores: {taken:.4f} s, {n_bytes / 1e6:.0f} MB, {n_bytes / taken / 1e9:.1f} GB/s"
    )


def of_metrics(data: Arrays, rounds: int) -> None:
    """The metrics, and turning the table of test events into rows, which is a sort."""
    _, work, _ = metrics(data, threads=1, k=10)
    taken = seconds(lambda: work(None), rounds)
    ones, pairs = np.ones(len(data["test_user"]), np.float32), (data["test_user"], data["test_item"])

    def rows() -> None:
        sparse.csr_matrix((ones, pairs), shape=tuple(data["shape"])).sort_indices()

    table = seconds(rows, rounds)
    lists = len(data["list_item"]) // 10
    each = (taken - table) / lists / len(METRICS) * 1e9
    print(
        f"metrics: {taken:.4f} s; {table:.4f} s of it make rows of {len(ones):,} test events "
        f"({table / len(ones) * 1e9:.0f} ns each), the rest is {each:.0f} ns a list and metric"
    )


def tell(title: str, needs: float, taken: float) -> None:
    """Prints operations, seconds and their rate beside that of a large product of matrices."""
    rate = product_rate("float32")
    print(
        f"{title}: {needs / 1e9:.2f} G operations, {taken:.4f} s, {needs / taken / 1e9:.0f} G/s; "
        f"a large product of matrices {rate / 1e9:.0f} G/s",
        flush=True,
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder of speed.py --data")
    asked = parser.parse_args()

    def arrays(name: str) -> Arrays:
        path = (asked.data or Path()) / f"{name}.npz"
        if asked.data and path.exists():
            with np.load(path) as stored:
                return {key: stored[key] for key in stored.files}
        return DATA[name]()

    for n_dims in (64, 192):
        of_ials(arrays("ncf"), n_dims, asked.rounds)
    of_bpr(arrays("ncf"), 64, asked.rounds)
    of_lists(arrays("factors"), 5 * asked.rounds)
    of_metrics(arrays("lists"), 5 * asked.rounds)


if __name__ == "__main__":
    main()
