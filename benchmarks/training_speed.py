"""Measures training steps of the networks on MovieLens 1M: python benchmarks/training_speed.py.

Examples per CPU second on one thread, where a step's time goes, the floating-point operations of its matrix
products, and the share they reach of what the same core does in a large product of matrices. Networks that
learn timelines learn every position of a window: each of these is an example.

`--device cuda` measures a GPU, in seconds by the clock until it has done the work; the batch is cut by one
thread of the CPU and travels, as in training. `--precision bfloat16` is for it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from protocols import data_folder
from tf_on_device import ROWS as NETWORKS
from torch.utils.flop_counter import FlopCounterMode

import recsmith.models
from recsmith import Run
from recsmith.data import Dataset
from recsmith.data.sources.movielens import load_movielens
from recsmith.models.memory import Memory
from recsmith.models.neural.base import NeuralRecommender
from recsmith.training.device import in_precision, resolve, to_device

PEOPLE = ("gender", "age", "occupation", "zip_code")
LIKES: dict[str, Any] = {
    "user_features": PEOPLE,
    "item_features": ("genres",),
    "numbers": "bucket",
    "target": "like",
}
IDS: dict[str, Any] = {"user_features": (), "item_features": (), "history_length": 0}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "DNN, all features": ("DNN", {**LIKES, "batch_size": 1024}),
    "DCN v2, all features": ("DCN", {**LIKES, "batch_size": 1024}),
    "DCN mix, 2 layers of rank 32": (
        "DCN",
        {**LIKES, "version": "mix", "n_cross_layers": 2, "rank": 32, "batch_size": 1024},
    ),
    "TwoTower, ids": ("TwoTower", {**IDS, "batch_size": 1024}),
    "TwoTower, all features, history of 20": ("TwoTower", {"batch_size": 1024}),
    "TwoTower, the same, batch 256": ("TwoTower", {"batch_size": 256}),
    **{f"{row.name}, timelines": ("NextItem", {**row.settings, "batch_size": 32}) for row in NETWORKS[:3]},
    "SASRec, length 200": ("SASRec", {"batch_size": 32}),
}


def cells_flop(
    x: tuple[int, ...], w_in: tuple[int, ...], w_state: tuple[int, ...], *_: Any, **__: Any
) -> int:
    """Returns the operations of a layer of recurrent cells over [L, B, D]."""
    return 2 * x[0] * x[1] * (w_in[0] * w_in[1] + w_state[0] * w_state[1])


def cells_backward_flop(*shapes: Any, **named: Any) -> int:
    """Returns the operations of the gradient."""
    return 2 * cells_flop(*shapes, **named)


def product_flop(total: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...], **_: Any) -> int:
    """Returns the operations of a product that is added to something."""
    return 2 * a[0] * a[1] * b[1]


def attention_flop(query: tuple[int, ...], key: tuple[int, ...], *_: Any, **__: Any) -> int:
    """Returns the operations of attention's two products, as if nothing were masked."""
    return 4 * query[0] * query[1] * query[2] * key[2] * query[3]


def attention_backward_flop(_: Any, *shapes: Any, **named: Any) -> int:
    """Returns the operations of its gradient, five products."""
    return attention_flop(*shapes, **named) * 5 // 2


UNCOUNTED = {  # products that torch's counter leaves out
    torch.ops.aten.addmm_: product_flop,
    torch.ops.aten.mkldnn_rnn_layer: cells_flop,
    torch.ops.aten.mkldnn_rnn_layer_backward: cells_backward_flop,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flop,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: attention_backward_flop,
}


def seconds_of(work: Callable[[], Any], device: torch.device, *, repeats: int) -> float:
    """Returns the seconds of one call, the best of three rounds: CPU time, or a GPU's by the clock."""
    there = device.type == "cuda"
    clock = time.perf_counter if there else time.process_time
    work()
    rounds = []
    for _ in range(3):
        if there:
            torch.cuda.synchronize(device)
        began = clock()
        for _ in range(repeats):
            work()
        if there:
            torch.cuda.synchronize(device)
        rounds.append((clock() - began) / repeats)
    return min(rounds)


def peak(device: torch.device, precision: str) -> float:
    """Returns the floating-point operations a second of a large product of matrices."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = torch.randn(2, size, size, device=device)

    def product() -> None:
        with in_precision(precision, device):
            torch.mm(left, right)

    return 2 * size**3 / seconds_of(product, device, repeats=5)


def step_of(
    name: str, settings: dict[str, Any], data: Dataset, memory: Memory, device: torch.device, precision: str
) -> tuple[int, dict[str, Callable[[], Any]]]:
    """Returns a step's examples, and its parts and the step as a whole as functions of nothing."""
    model: NeuralRecommender = getattr(recsmith.models, name)(**settings)
    model._memory = memory
    model.learned = model._learn(data)
    torch.manual_seed(0)
    model.net = model._build(model.learned)
    model._built()
    model.net.to(device).train()
    batches, optimizer = model._batches(data, Run()), model._optimizer(model.net)
    cut = batches.epoch(0)
    one = to_device(next(cut), device)

    def loss_of(batch: Any) -> torch.Tensor:
        with in_precision(precision, device):
            return model._loss(model.net, batch)

    def whole() -> None:
        batch = to_device(next(cut), device)
        optimizer.zero_grad(set_to_none=True)
        loss_of(batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    n_examples = int((one["target"] > 0).sum()) if "target" in one else settings["batch_size"]
    return n_examples, {
        "cut": lambda: to_device(next(cut), device),
        "loss": lambda: loss_of(one),
        "optimizer": optimizer.step,
        "whole": whole,
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--rows", nargs="*", help="names; all by default")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    asked = parser.parse_args()
    device = resolve(asked.device)
    folder = data_folder()
    if folder is None or not (folder / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    torch.set_num_threads(1)
    data = load_movielens("1m", path=folder / "ml-1m")
    memory = Memory.of(data)
    most = peak(device, asked.precision)
    where, unit = ("core", "CPU s") if device.type == "cpu" else ("GPU", "s")
    print(f"A product of matrices on this {where}, {asked.precision}: {most / 1e9:,.0f} GFLOP/s\n")
    parts = "cut | loss | backward | optimizer | FLOP/example"
    print(f"| model | examples/{unit} | {parts} | share of the product |")
    print("|---|---|---|---|---|---|---|---|")
    for title, (name, settings) in ROWS.items():
        if asked.rows and title not in asked.rows:
            continue
        n, parts = step_of(name, settings, data, memory, device, asked.precision)
        parts["whole"]()  # gradients are there from now on
        with FlopCounterMode(display=False, custom_mapping=UNCOUNTED) as counter:
            parts["whole"]()
        seconds = {k: seconds_of(f, device, repeats=asked.repeats) for k, f in parts.items()}
        flops = counter.get_total_flops()
        back = seconds["whole"] - seconds["cut"] - seconds["loss"] - seconds["optimizer"]
        shown = [seconds["cut"], seconds["loss"], back, seconds["optimizer"]]
        cells = [f"{n / seconds['whole']:,.0f}", *(f"{1e3 * s:.1f} ms" for s in shown)]
        share = flops / seconds["whole"] / most
        print(f"| {title} | {' | '.join(cells)} | {flops / n:,.0f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
