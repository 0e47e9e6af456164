"""Chooses a model's settings on a validation part of train; the test part is never looked at.

    python benchmarks/tune.py ncf EASE regularization=100,300,1000
    python benchmarks/tune.py ncf ItemKNN n_neighbours=50,100,200 shrinkage=0,20
    python benchmarks/tune.py 100k FunkSVD n_epochs=20,40 regularization=0.05,0.08

Every combination is fitted; the best have the largest HitRate@10 + NDCG@10, or the smallest RMSE. Values are
read as Python where they are (100, 0.5, True, None), else as words.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import time
from typing import Any

from protocols import SEED, validation

import recsmith.models
from recsmith import Run, evaluate


def main() -> None:
    """Prints a line a combination, then the best ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("protocol", choices=["ncf", "100k", "100k-official"])
    parser.add_argument("model", choices=recsmith.models.MODELS)
    parser.add_argument("settings", nargs="*", help="name=value,value…")
    parser.add_argument("--draws", type=int, default=3, help="ncf: draws of the negatives to average over")
    parser.add_argument("--best", type=int, default=5, help="how many of the best to list at the end")
    asked = parser.parse_intermixed_args()
    judged = validation(asked.protocol, draws=asked.draws)
    split = judged[0].split
    ranked = asked.protocol == "ncf"
    metrics = ["NDCG@10", "HitRate@10"] if ranked else ["RMSE", "MAE"]
    grid = dict(_values(one) for one in asked.settings)
    lines = []
    for chosen in itertools.product(*grid.values()):
        settings = dict(zip(grid, chosen))
        start = time.perf_counter()
        model = getattr(recsmith.models, asked.model)(**settings).fit(split.train, run=Run(seed=SEED))
        seconds = time.perf_counter() - start
        found = [
            evaluate(model, split, metrics=metrics, candidates=task.candidates, n_bootstrap=0)
            for task in judged
        ]
        values = [sum(one[name].value for one in found) / len(found) for name in metrics]
        told = ", ".join(f"{name} {value:.4f}" for name, value in zip(metrics, values))
        lines.append((-sum(values) if ranked else values[0], f"{told}  {settings}  fit {seconds:.1f} s"))
        print(lines[-1][1], flush=True)
    if len(lines) > 1:
        print(f"\nBest on validation ({split.rule})")
        for _, line in sorted(lines, key=lambda line: line[0])[: asked.best]:
            print(line)


def _values(text: str) -> tuple[str, list[Any]]:
    name, _, values = text.partition("=")
    return name, [_literal(value) for value in values.split(",")]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


if __name__ == "__main__":
    main()
