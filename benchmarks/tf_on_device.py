"""NextItem against TensorFlow's on-device framework on the same examples: python benchmarks/tf_on_device.py.

The examples are those that the framework made of MovieLens 100K (context 10). Every model is trained once on
the train examples that are no user's last one (82,798 of its 83,652), and judged twice: on its random test
(9,295 examples) and on each user's last example (943). Items of the context are not recommended again.
`--choose` trains on nine tenths of those examples and judges on the rest, which is what settings were chosen
by; the tests were not.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.config import Run
from recsmith.data.examples import Examples, read_tf_examples
from recsmith.models.neural.next_item import NextItem

IDS = [{"name": "item_id", "type": "int"}]
GENRES = [{"name": "genres", "embedding_dim": 4}]


@dataclass(frozen=True)
class Row:
    """One architecture: settings of NextItem, and the best of the original on both tests."""

    name: str
    settings: dict[str, Any]
    random: float | None = None
    last: float | None = None
    also: dict[str, Any] = field(default_factory=dict)


def network(dim: int, *groups: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Returns the settings of a network; the item table is shared with the label's."""
    learning = {"n_epochs": 8, "batch_size": 256, "learning_rate": 0.01, "schedule": "cosine", "dropout": 0.0}
    return {
        "activity_groups": list(groups),
        "label": {"embedding_dim": dim},
        "context_length": 10,
        **learning,
        **settings,
    }


def group(features: list[dict[str, Any]], encoder: str, **settings: Any) -> dict[str, Any]:
    """Returns a feature group with its encoder."""
    return {"features": features, "encoder": encoder, **settings}


ROWS = (
    Row("BOW ids", network(16, group(IDS, "bow"), n_epochs=10), 0.125, 0.107),
    Row("CNN ids", network(15, group(IDS, "cnn", n_filters=[24], kernel_size=2)), 0.123, 0.112),
    Row("LSTM ids", network(15, group(IDS, "lstm", n_units=15), projection=False), 0.124, 0.116),
    Row(
        "BOW ids + genres",
        network(15, group(IDS, "bow"), group(GENRES, "bow"), label={"embedding_dim": 15, "features": GENRES}),
        0.096,
    ),
    Row(
        "CNN ids + genres",
        network(
            15,
            group(IDS, "cnn", n_filters=[24], kernel_size=2),
            group(GENRES, "cnn", n_filters=[8], kernel_size=2),
            label={"embedding_dim": 15, "features": GENRES},
        ),
        0.125,
        0.121,
    ),
    Row(
        "LSTM ids + genres",
        network(15, group(IDS, "lstm", n_units=15), group(GENRES, "lstm", n_units=6)),
        0.136,
        0.128,
    ),
)


def recall(model: NextItem, examples: Examples, *, k: int = 10) -> float:
    """Returns the share of examples whose label is among the k best items outside the context."""
    hits, start = 0, 0
    for block in model.top_k(examples.histories(), k=k):
        label = examples.label[start : start + len(block.codes), None]
        hits += int((block.codes == label).any(1).sum())
        start += len(block.codes)
    return hits / len(examples)


def measure(row: Row, examples: Examples, *, seed: int, choose: bool, threads: int) -> dict[str, Any]:
    """Trains one model and returns its figures."""
    learnable = examples.select(~examples.is_test & ~examples.is_last)
    tests = {"random": examples.select(examples.is_test), "last": examples.select(examples.is_last)}
    if choose:
        held = np.random.default_rng(5).random(len(learnable)) < 0.1
        tests = {"validation": learnable.select(held)}
        learnable = learnable.select(~held)
    began = time.process_time()
    model = NextItem(**row.settings).learning_from(learnable)
    model.fit(learnable.dataset(), run=Run(seed=seed, n_threads=threads))
    seconds = time.process_time() - began
    return {
        "row": row.name,
        "seed": seed,
        "parameters": sum(p.numel() for p in model.net.parameters()),
        **{name: recall(model, test) for name, test in tests.items()},
        "examples_per_cpu_second": len(learnable) * row.settings["n_epochs"] / seconds,
    }


def main() -> None:
    """Prints a line for each seed, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data/tf-on-device-ml-100k")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", nargs="*", help="names of rows; all by default")
    parser.add_argument("--choose", action="store_true", help="judge on a tenth of train")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="lines of JSON; seeds that are there are not run again")
    asked = parser.parse_args()
    examples = read_tf_examples(asked.data)
    lines = []
    if asked.out and asked.out.is_file():
        lines = [json.loads(line) for line in asked.out.read_text().splitlines()]
    wanted = [row for row in ROWS if not asked.rows or row.name in asked.rows]
    for seed in range(asked.seeds):  # the first seed of every row comes first
        for row in wanted:
            if any(line["row"] == row.name and line["seed"] == seed for line in lines):
                continue
            line = measure(row, examples, seed=seed, choose=asked.choose, threads=asked.threads)
            lines.append(line)
            print(json.dumps(line), flush=True)
            if asked.out:
                with asked.out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    print(table(wanted, lines))


def table(rows: list[Row], lines: list[dict[str, Any]]) -> str:
    """Returns the rows as Markdown: mean ± deviation over seeds, and the ratio to the original's best."""
    text = [
        "| row | parameters | random test | × original | last | × original |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        mine = [line for line in lines if line["row"] == row.name]
        cells = [row.name, str(mine[0]["parameters"])]
        for test, best in (("random", row.random), ("last", row.last)):
            values = np.array([line[test] for line in mine if test in line])
            spread = values.std(ddof=1) if len(values) > 1 else 0.0
            cells.append(f"{values.mean():.4f} ± {spread:.4f}" if len(values) else "")
            cells.append(f"{values.mean() / best:.2f}" if best and len(values) else "–")
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


if __name__ == "__main__":
    main()
