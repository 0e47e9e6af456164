"""SASRec on MovieLens 1M, leave last out, ranking all unseen items: python benchmarks/sasrec_ml1m.py.

Checkpoints are kept in the folder of --out, so that the same command goes on where it was stopped. The curve
(loss of each epoch; HitRate@10 and NDCG@10 on the test of every few epochs, which nothing is chosen by) goes
to curve.jsonl there.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recsmith.config import Run
from recsmith.data import Split, leave_last_out
from recsmith.data.sources.movielens import load_movielens
from recsmith.evaluation import evaluate
from recsmith.models.neural.sasrec import SASRec
from recsmith.training.hooks import Moment, Quiet

METRICS = ("HitRate@10", "NDCG@10")


def hit_rate_and_ndcg(model: SASRec, split: Split, *, k: int = 10) -> dict[str, float]:
    """Returns both figures over all test users; one relevant item each, so NDCG is 1 / log2(1 + rank)."""
    users = split.test_users()
    relevant = split.relevant(users).indices
    hits, gains, start = 0, 0.0, 0
    for block in model.top_k(split.visible(users), k=k):
        found = block.codes == relevant[start : start + len(block.codes), None]
        hits += int(found.any(1).sum())
        gains += float((found / np.log2(np.arange(2, k + 2))).sum())
        start += len(block.codes)
    return {"HitRate@10": hits / len(users), "NDCG@10": gains / len(users)}


class Curve(Quiet):
    """Writes a line an epoch."""

    def __init__(self, model: SASRec, split: Split, file: Path, *, every: int) -> None:
        self._model, self._split, self._file, self._every = model, split, file, every
        self._sum, self._count = 0.0, 0

    def on_step(self, now: Moment) -> None:
        assert now.loss is not None
        self._sum, self._count = self._sum + float(now.loss), self._count + 1
        if not now.ends_epoch:
            return
        line: dict[str, Any] = {"epoch": now.epoch + 1, "step": now.step, "loss": self._sum / self._count}
        line |= {"cpu_minutes": time.process_time() / 60, "clock": time.strftime("%H:%M:%S")}
        self._sum, self._count = 0.0, 0
        if (now.epoch + 1) % self._every == 0 or now.step == now.n_steps:
            self._model._trained()
            line |= hit_rate_and_ndcg(self._model, self._split)
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Watched(SASRec):
    """Is SASRec with the curve beside it."""

    watch: Any = None

    def _hooks(self, data: Any, run: Run) -> Any:
        return (self.watch(self),)


def main() -> None:
    """Trains, saves, and prints the figures with their intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="../shared/data/ml-1m")
    parser.add_argument("--out", type=Path, default=Path("runs/sasrec-ml1m"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="cpu, cuda, or a GPU where there is one")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--curve-every", type=int, default=3, metavar="EPOCHS")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    settings = {name: json.loads(value) for name, value in (word.split("=", 1) for word in asked.set)}
    split = leave_last_out(load_movielens("1m", path=asked.data))
    asked.out.mkdir(parents=True, exist_ok=True)
    model = Watched(**settings)
    model.watch = lambda m: Curve(m, split, asked.out / "curve.jsonl", every=asked.curve_every)
    run = Run(
        seed=asked.seed,
        n_threads=asked.threads,
        device=asked.device,
        precision=asked.precision,
        checkpoints=asked.out / "checkpoints",
        checkpoint_every=250,
    )
    began, cpu = time.perf_counter(), time.process_time()
    model.fit(split.train, run=run)
    spent = {"minutes": (time.perf_counter() - began) / 60, "cpu_minutes": (time.process_time() - cpu) / 60}
    found = evaluate(model, split, metrics=METRICS, run=run)
    figures = {
        "parameters": sum(p.numel() for p in model.net.parameters()),
        "torch": torch.__version__,
        "device": next(model.net.parameters()).device.type,
        "precision": asked.precision,
        "settings": model.config.model_dump(),
        **spent,
        **hit_rate_and_ndcg(model, split),
    }
    print(found)
    print(json.dumps(figures, indent=2))
    (asked.out / "figures.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
