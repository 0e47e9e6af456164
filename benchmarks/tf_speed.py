"""Training speed beside TensorFlow's, in one run: python benchmarks/tf_speed.py --tf PYTHON.

PYTHON is that of an environment which has TensorFlow (`pip install tensorflow-cpu`). Both sides use one
thread and take turns; figures are examples per second of CPU time of the whole process, medians of several
rounds after one to warm up. Batches of 256 examples, context 10, softmax over all 1,682 items.

Rows of `exact` are recsmith's six networks, in TensorFlow operation by operation from the same weights, on
the same batches by the same Adam: losses must agree. Rows of `original` are the framework's own layers (a
table of 8 for each feature, hidden layers of 32 and 32; convolutions of kernel and stride 4 with 16 and 32
filters; 16 LSTM units; Adagrad, clipped) beside a NextItem of the same sizes, whose convolutions have stride
1 and whose genres stay with their items. TensorFlow is fed from memory, and as the framework's launcher does
it; the launcher's part is a reproduction.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from tf_on_device import GENRES, ROWS, group, network
from training_speed import peak

from recsmith.config import Run
from recsmith.data.examples import ExampleBatches, Examples, read_tf_examples
from recsmith.models.memory import Memory
from recsmith.models.neural.next_item import NextItem, tensors
from recsmith.training import train
from recsmith.training.hooks import LearningCurve, StopOnNaN

BATCH, N_RECORDS = 256, 20_480
PEER = Path(__file__).parent / "peers" / "tf_on_device_train.py"
Settings = dict[str, Any]
OWN_IDS = [{"name": "item_id", "type": "int", "embedding_dim": 8, "shared": False}]
LAYERS: Settings = {"bow": {}, "cnn": {"n_filters": [16, 32], "kernel_size": 4}, "lstm": {"n_units": 16}}


def original(encoder: str, *, genres: bool) -> Settings:
    """Returns NextItem's settings with the sizes of the framework's sample configuration."""
    groups = [group(features, encoder, **LAYERS[encoder]) for features in (OWN_IDS, GENRES)[: 1 + genres]]
    learning = {"learning_rate": 0.1, "optimizer": "adagrad", "clip_norm": 1.0, "schedule": "constant"}
    return network(8, *groups, hidden_layers=[32, 32], **learning)


CELLS: dict[str, tuple[str, Settings]] = {
    **{f"{row.name}, exact": ("exact", {**row.settings, "schedule": "constant"}) for row in ROWS},
    "BOW ids, original": ("original", original("bow", genres=False)),
    "CNN ids, original": ("original", original("cnn", genres=False)),
    "LSTM ids, original": ("original", original("lstm", genres=False)),
    "CNN ids + genres, original": ("original", original("cnn", genres=True)),
    "LSTM ids + genres, original": ("original", original("lstm", genres=True)),
}

LAUNCHED = ("BOW ids, original", "CNN ids + genres, original")


class InOrder:
    """Is some of the batches of a given order, for the loop."""

    batch_size = BATCH

    def __init__(self, examples: Examples, rows: np.ndarray) -> None:
        self._cut = ExampleBatches(examples, BATCH, seed=0)
        self._rows = rows.reshape(-1, BATCH)
        self.n_steps = len(self._rows)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[dict[str, torch.Tensor]]:
        """Yields the batches from `start` on."""
        for rows in self._rows[start:]:
            yield tensors(self._cut.batch(rows))


class Ours:
    """Is NextItem as it is fitted, a round of steps at a time."""

    def __init__(self, settings: Settings, examples: Examples, order: np.ndarray) -> None:
        data = examples.dataset()
        model = NextItem(**settings).learning_from(examples)
        model._memory = Memory.of(data)
        model.learned = model._learn(data)
        torch.manual_seed(0)
        model.net = model._build(model.learned)
        model._built()
        self.model, self.optimizer = model, model._optimizer(model.net)
        self.examples, self.order, self.done = examples, order, 0

    def weights(self) -> dict[str, np.ndarray]:
        """Returns what TensorFlow starts from."""
        given = {name: value.numpy() for name, value in self.model.net.state_dict().items()}
        buffers = dict(self.model.net.activity.named_buffers())
        shares = [values for name, values in buffers.items() if name.endswith("of_genres")]
        if shares:
            given["shares"] = shares[0].numpy()
        return given | {"known": self.model.net.items.known_I.numpy()}

    def round(self, n_steps: int) -> Settings:
        """Trains the next steps; returns examples per CPU second and the mean loss."""
        rows = self.order[self.done * BATCH : (self.done + n_steps) * BATCH]
        self.done += n_steps
        run, model = Run(n_threads=1), self.model
        began = time.process_time()
        train(
            model.net,
            model._loss,
            InOrder(self.examples, rows),
            optimizer=self.optimizer,
            n_epochs=1,
            run=run,
            clip_norm=model.config.clip_norm,
            hooks=[StopOnNaN(), LearningCurve()],
        )
        return {"rate": len(rows) / (time.process_time() - began), "loss": run.history[0]["loss"]}


class TensorFlow:
    """Is the process in TensorFlow's environment, which answers jobs."""

    def __init__(self, python: str) -> None:
        command = [python, str(PEER)]
        self.process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.versions = self.answer()["versions"]

    def answer(self) -> Settings:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("TensorFlow's process ended: run the peer by hand to see why.")
        found: Settings = json.loads(line)
        return found

    def round(self, job: Settings) -> Settings:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.answer()


def layers(kind: str, settings: Settings) -> Settings:
    """Returns the network in the peer's words."""
    groups = []
    for one in settings["activity_groups"]:
        feature = one["features"][0]
        width = feature.get("embedding_dim", settings["label"]["embedding_dim"])
        told = {name: one[name] for name in ("encoder", "n_filters", "kernel_size", "n_units") if name in one}
        groups.append({"feature": feature["name"], "width": width, "ratios": [2, 4], **told})
    projection = settings.get("projection", True)
    return {"kind": kind, "dim": settings["label"]["embedding_dim"], "projection": projection} | {
        "groups": groups,
        "hidden": settings.get("hidden_layers", []),
    }


def operations(model: NextItem, n_items: int) -> float:
    """Returns the floating-point operations of an example's products, forward and backward.

    Six for each weight and place where it is used; products over all items are shared by a batch.
    """
    total = float(n_items * model.net.items.ids.weight.shape[1])
    for name, weight in model.net.named_parameters():
        if weight.ndim < 2 or "ids.weight" in name:
            continue
        if name.startswith("activity"):
            looked_up = "table" in name and weight.shape[0] > 100  # a row is read, nothing is multiplied
            total += 0 if looked_up else 10 * weight.numel()
        else:
            total += weight.numel() * (n_items / BATCH if name.startswith("items") else 1)
    return 6 * total


def main() -> None:
    """Prints a line for each round, then the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tf", required=True, help="the Python of an environment with TensorFlow")
    parser.add_argument("--data", default="../shared/data/tf-on-device-ml-100k")
    parser.add_argument("--rows", nargs="*", help="names; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=160, help="in a round")
    parser.add_argument("--out", type=Path, help="lines of JSON")
    asked = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    torch.set_num_threads(1)
    whole = read_tf_examples(asked.data)
    kept = ~whole.is_test & ~whole.is_last
    examples, lines = whole.select(kept), []
    drawn = np.random.default_rng(0)
    order = np.concatenate([drawn.permutation(len(examples)) for _ in range(1 + asked.rounds)])
    with tempfile.TemporaryDirectory() as folder:
        with np.load(Path(asked.data) / "examples.npz") as arrays:
            given = {name: arrays[name][kept] for name in arrays.files if name.startswith("context")}
            np.savez(f"{folder}/examples.npz", **given, label_movie_id=arrays["label_movie_id"][kept].ravel())
        np.save(f"{folder}/order.npy", order)
        tensorflow = TensorFlow(asked.tf)
        print(f"{tensorflow.versions}; torch {torch.__version__}; product {peak() / 1e9:.0f} GFLOP/s")
        for name, (kind, settings) in CELLS.items():
            if asked.rows and name not in asked.rows:
                continue
            ours = Ours(settings, examples, order)
            np.savez(f"{folder}/weights.npz", **ours.weights())
            job = {
                "folder": folder,
                "weights": f"{folder}/weights.npz",
                "spec": layers(kind, settings),
                "learning_rate": settings["learning_rate"],
                "clip_norm": settings.get("clip_norm"),
                "n_items": len(whole.items),
                "batch_size": BATCH,
                "n_steps": asked.steps,
                "n_records": N_RECORDS,
                "vocabulary": str(Path(asked.data).resolve() / "movie_genre_vocab.txt"),
            }
            fed = {"memory": ("memory", False), "XLA": ("memory", True)}
            if kind == "original":
                fed = {"memory": ("memory", False)}
            if name in LAUNCHED:
                fed["launcher"] = ("launcher", False)
            for number in range(1 + asked.rounds):
                line: Settings = {"row": name, "round": number, "ours": ours.round(asked.steps)}
                for how, (feed, jit) in fed.items():
                    line[how] = tensorflow.round({**job, "name": f"{name} {how}", "fed": feed, "jit": jit})
                line["flops"] = operations(ours.model, len(whole.items))
                line["peak"] = peak()
                lines.append(line)
                print(json.dumps(line), flush=True)
                if asked.out:
                    with asked.out.open("a") as file:
                        file.write(json.dumps(line) + "\n")
    print(table(lines))


def table(lines: list[Settings]) -> str:
    """Returns the medians as Markdown: thousands of examples a CPU second; the last losses, ours first."""
    text = [
        "| row | ours | TF from memory | × | TF with XLA | × | launcher | × | losses | FLOP | share |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in dict.fromkeys(line["row"] for line in lines):
        rounds = [line for line in lines if line["row"] == row and line["round"]]
        ours = median(line["ours"]["rate"] for line in rounds)
        cells = [row, f"{ours / 1e3:.1f}"]
        for how in ("memory", "XLA", "launcher"):
            rates = [line[how]["rate"] for line in rounds if how in line]
            ratios = [line["ours"]["rate"] / line[how]["rate"] for line in rounds if how in line]
            cells += [f"{median(rates) / 1e3:.1f}", f"{median(ratios):.1f}"] if rates else ["–", "–"]
        last = rounds[-1]
        cells.append(f"{last['ours']['loss']:.4f}, {last['memory']['loss']:.4f}")
        share = median(line["ours"]["rate"] * line["flops"] / line["peak"] for line in rounds)
        cells += [f"{last['flops']:,.0f}", f"{share:.0%}"]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


if __name__ == "__main__":
    main()
