"""Measures the indexes against exact search: python benchmarks/index_bench.py.

Vectors of length 1 in clusters of unequal size, as those of an item tower are; queries between two
clusters, as people are. Rates are per CPU second, so that other work does not count: with one thread that
is the rate of one core, with two it is what each core gives when both search at once.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from recsmith.index import ExactIndex
from recsmith.index.base import VectorIndex
from recsmith.index.hnsw import HnswIndex
from recsmith.index.scann import ScannIndex
from recsmith.rng import generator

N_CLUSTERS = 2000
K = 10


def vectors(n: int, n_dims: int, *, seed: int = 0) -> np.ndarray:
    """Returns float32 [n, D] of length 1: Zipf-sized clusters, noise whose spectrum falls as 1 / √j."""
    return _unit(_near(_centres(n_dims, seed)[_clusters(n, "cluster", seed)], "noise", seed))


def queries(n: int, n_dims: int, *, seed: int = 0) -> np.ndarray:
    """Returns float32 [n, D] of length 1: noise around the middle of two clusters."""
    centre_CD = _centres(n_dims, seed)
    share = generator(seed, "share").random((n, 1))
    ends = [centre_CD[_clusters(n, name, seed)] for name in ("first", "second")]
    return _unit(_near(share * ends[0] + (1 - share) * ends[1], "asked", seed))


def _centres(n_dims: int, seed: int) -> np.ndarray:
    return generator(seed, "centres").normal(size=(N_CLUSTERS, n_dims)) / np.sqrt(np.arange(1, n_dims + 1))


def _clusters(n: int, name: str, seed: int) -> np.ndarray:
    weight = 1 / np.arange(1, N_CLUSTERS + 1) ** 0.7
    return generator(seed, name).choice(N_CLUSTERS, size=n, p=weight / weight.sum())


def _near(points: np.ndarray, name: str, seed: int) -> np.ndarray:
    scale = (0.6 / np.sqrt(np.arange(1, points.shape[1] + 1))).astype(np.float32)
    noise = generator(seed, name).standard_normal(points.shape, dtype=np.float32)
    return points.astype(np.float32) + scale * noise


def _unit(points: np.ndarray) -> np.ndarray:
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def searched(
    index: VectorIndex, query_BD: np.ndarray, truth_BK: np.ndarray | None, *, n_threads: int
) -> tuple[float, float]:
    """Returns recall@10 against the truth and queries per CPU second."""
    index.search(query_BD[:16], K, n_threads=n_threads)
    began = time.process_time()
    code_BK, _ = index.search(query_BD, K, n_threads=n_threads)
    seconds = time.process_time() - began
    if truth_BK is None:
        return 1.0, len(query_BD) / seconds
    same = (code_BK[:, :, None] == truth_BK[:, None, :]).any(1)
    return float(same.mean()), len(query_BD) / seconds


def main() -> None:
    """Prints a line of the table for each setting."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--kind", choices=["exact", "hnsw", "scann"], action="append", help="only these")
    parser.add_argument("--links", type=int, default=24, help="hnsw: n_links")
    parser.add_argument("--build-effort", type=int, default=100, help="hnsw: build_effort")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    asked = parser.parse_args()
    vector_ID, query_BD = vectors(asked.items, asked.dims), queries(asked.queries, asked.dims)
    oracle = ExactIndex().build(vector_ID)
    truth_BK, _ = oracle.search(query_BD, K)
    built: dict[str, tuple[VectorIndex, list[dict[str, int]]]] = {
        "exact": (ExactIndex(), [{}]),
        "hnsw": (
            HnswIndex(n_links=asked.links, build_effort=asked.build_effort),
            [{"effort": effort} for effort in (32, 64, 128, 256)],
        ),
        "scann": (
            ScannIndex(),
            [
                {"n_probes": p, "refine": r}
                for p, r in ((8, 10), (16, 10), (32, 10), (32, 30), (64, 30), (128, 50))
            ],
        ),
    }
    for kind, (index, settings) in built.items():
        if asked.kind and kind not in asked.kind:
            continue
        began = time.process_time()
        index.build(vector_ID)
        seconds = time.process_time() - began
        for setting in settings:
            for name, value in setting.items():
                setattr(index, f"_{name}", value)
            truth = None if kind == "exact" else truth_BK
            recall, one = searched(index, query_BD, truth, n_threads=1)
            _, two = searched(index, query_BD, truth, n_threads=2)
            line: dict[str, Any] = {
                "kind": kind, "settings": index._settings(), "recall@10": round(recall, 4),
                "queries/s on one thread": round(one), "per core on two": round(two),
                "MiB": round(index.n_bytes / 2**20), "build, CPU s": round(seconds, 1),
            }  # fmt: skip
            print(json.dumps(line) if asked.json else _row(line), flush=True)


def _row(line: dict[str, Any]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in line["settings"].items()) or "–"
    return "| " + " | ".join([line["kind"], told, *(str(v) for v in list(line.values())[2:])]) + " |"


if __name__ == "__main__":
    main()
