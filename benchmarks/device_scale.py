"""How large and how slow a device file gets with the catalogue: 4 thousand, 100 thousand, 1 million items.

python benchmarks/device_scale.py [--sizes 4000 100000 1000000] [--formats litert onnx] [--out table.json]

Item vectors of length 64 are generated: 100 items around each of as many centres as it takes, on the unit
sphere. The net is a bag of words, the mean of the history's vectors; a history is 10 items of two
neighbourhoods. Searches are exact, exact with int8 weights, in two
levels, and in two levels with an int8 table. Recall@10 is against the exact search in float32. Latency is the
median CPU time of a call on one thread, so that a busy machine does not count; it counts the memory's speed.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.export.graphs.base import DeviceGraph, Recommend
from recsmith.export.graphs.two_level import TwoLevel
from recsmith.export.quiet import quiet

D, H, K = 64, 200, 100
SIZES = (4_000, 100_000, 1_000_000)
CLUSTERS = {4_000: (64, 16), 100_000: (512, 32), 1_000_000: (2048, 32)}
"""Items → clusters, and how many are looked into."""
CALLS = {4_000: 200, 100_000: 60, 1_000_000: 25}
Call = Callable[[np.ndarray], Mapping[str, np.ndarray]]


class Bow(DeviceGraph):
    """Is the mean of the history's vectors times all vectors."""

    score_meaning = "product"
    item_ID: Tensor

    def __init__(self, item_ID: np.ndarray) -> None:
        super().__init__()
        self.n_items, self.history_length = len(item_ID), H
        self.register_buffer("item_ID", torch.from_numpy(item_ID))

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the products with all items."""
        return mean(functional.embedding(history_BH.clamp(min=0), self.item_ID), history_BH) @ self.item_ID.T


class TwoLevelBow(nn.Module):
    """Is the same query, searched in two levels."""

    def __init__(self, search: TwoLevel) -> None:
        super().__init__()
        self.search = search

    def forward(self, history: Tensor) -> dict[str, Tensor]:
        """Returns {"item", "score"}."""
        query_BD = mean(self.search.vectors(history.clamp(min=0)), history)
        item_BK, score_BK = self.search(query_BD, history, k=K)
        return {"item": item_BK, "score": score_BK}


def mean(vector_BHD: Tensor, history_BH: Tensor) -> Tensor:
    """Returns the mean of the vectors of events [B, D]."""
    there_BH = (history_BH >= 0).to(torch.float32)
    share_BH = there_BH / there_BH.sum(1, keepdim=True).clamp(min=1)
    return (share_BH.unsqueeze(1) @ vector_BHD).squeeze(1)


def generated(n_items: int, n_calls: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns item vectors [I, 64] and histories [n, H]."""
    rng = np.random.default_rng(0)
    n_centres = max(n_items // 100, 2)
    centre_CD = rng.standard_normal((n_centres, D), np.float32)
    label_I = rng.integers(0, n_centres, n_items)
    item_ID = centre_CD[label_I] + rng.standard_normal((n_items, D), np.float32)
    item_ID /= np.linalg.norm(item_ID, axis=1, keepdims=True)
    history_nH = np.full((n_calls, H), -1, np.int32)
    for row in range(n_calls):
        near = np.flatnonzero(np.isin(label_I, rng.integers(0, n_centres, 2)))
        history_nH[row, : min(10, len(near))] = rng.permutation(near)[:10]
    return item_ID, history_nH


def written(net: nn.Module, format: str, file: Path) -> Path:
    """Writes the file of a net with the signature `recommend`, one person a call."""
    sample = {"history": torch.full((1, H), -1, dtype=torch.int32)}
    with quiet(), torch.no_grad():
        if format == "litert":
            import litert_torch

            litert_torch.signature("recommend", net.eval(), sample_kwargs=sample).convert().export(str(file))
        else:
            program = torch.onnx.export(
                net.eval(),
                (),
                kwargs=sample,
                input_names=["history"],
                output_names=["item", "score"],
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            program.save(str(file), external_data=False)
    return file


def opened(file: Path, format: str) -> Call:
    """Returns what runs the file on one thread."""
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(str(file), num_threads=1).get_signature_runner("recommend")
        return lambda history: runner(history=history)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda history: dict(
        zip(("item", "score"), session.run(["item", "score"], {"history": history}), strict=True)
    )


def small(file: Path, format: str) -> Path:
    """Writes the file with int8 weights beside it, in the smallest way, as `recsmith export` does."""
    from recsmith.export import quantize_litert, quantize_onnx

    module: Any = quantize_litert if format == "litert" else quantize_onnx
    ways: list[Path] = sorted(module.variants(file, "int8"), key=lambda way: way.stat().st_size)
    for larger in ways[1:]:
        larger.unlink()
    return ways[0]


def measured(file: Path, format: str, history_nH: np.ndarray, exact_nK: np.ndarray) -> dict[str, float]:
    """Returns bytes, seconds until the first answer, µs of a call, recall@10."""
    start = time.process_time()
    call = opened(file, format)
    call(history_nH[:1])
    ready = time.process_time() - start
    spent, found = [], []
    for row in range(len(history_nH)):
        before = time.process_time_ns()
        answer = call(history_nH[row : row + 1])
        spent.append((time.process_time_ns() - before) / 1000)
        found.append(len(set(answer["item"][0, :10].tolist()) & set(exact_nK[row, :10].tolist())) / 10)
    return {
        "megabytes": round(file.stat().st_size / 1e6, 2),
        "ready_s": round(ready, 3),
        "p50_us": round(float(np.median(spent))),
        "recall@10": round(float(np.mean(found)), 4),
    }


def exactly(item_ID: np.ndarray, history_nH: np.ndarray) -> np.ndarray:
    """Returns the ten best rows of each history, seen ones left out."""
    found = []
    for history_H in history_nH:
        seen = history_H[history_H >= 0]
        score_I = item_ID @ item_ID[seen].mean(0)
        score_I[seen] = -np.inf
        found.append(np.argsort(-score_I, kind="stable")[:10])
    return np.stack(found)


def rows(n_items: int, formats: list[str], folder: Path) -> list[dict[str, Any]]:
    """Returns the rows of a catalogue's size."""
    item_ID, history_nH = generated(n_items, CALLS.get(n_items, 50))
    exact_nK = exactly(item_ID, history_nH)
    n_clusters, n_probed = CLUSTERS.get(n_items, (max(n_items // 200, 1), 16))
    popularity = torch.arange(n_items, 0, -1)
    start = time.process_time()
    whole = TwoLevel(item_ID, n_clusters=n_clusters, n_probed=n_probed)
    clustering = time.process_time() - start
    print(f"{n_items} items: {n_clusters} clusters, {n_probed} looked into, {clustering:.0f} s", flush=True)
    nets: dict[str, nn.Module] = {
        "exact": Recommend(Bow(item_ID), popularity, k=K),
        "two-level": TwoLevelBow(whole),
        "two-level int8": TwoLevelBow(copy.deepcopy(whole).to_int8()),
    }
    found: list[dict[str, Any]] = []
    for format in formats:
        for name, net in nets.items():
            file = written(net, format, folder / f"model.{'tflite' if format == 'litert' else 'onnx'}")
            for search, one in (
                (name, file),
                *([("exact int8", small(file, format))] if name == "exact" else []),
            ):
                row = {"items": n_items, "format": format, "search": search}
                row |= measured(one, format, history_nH, exact_nK)
                print(json.dumps(row), flush=True)
                found.append(row)
                one.unlink()
            gc.collect()
    return found


def main() -> None:
    """Measures, and prints a row a file."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    asked.add_argument("--formats", nargs="+", default=["litert", "onnx"])
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n_items in given.sizes:
            found += rows(n_items, given.formats, Path(folder))
            if given.out is not None:
                given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
