"""Chooses a model's settings on a validation part of train, on the published protocols that are no recipe.

    python benchmarks/tune.py ncf EASE regularization=100,300,1000
    python benchmarks/tune.py ncf ItemKNN n_neighbours=50:400:log weighting=none,tfidf --trials 30
    python benchmarks/tune.py 10core RP3beta alpha=0.6,0.7 beta=0.3,0.4,0.5
    python benchmarks/tune.py 100k FunkSVD regularization=0.05,0.08

The trials are those of `recsmith tune` (runs/tuning/study.py): lists alone are tried in every combination,
with a range (LOW:HIGH, or LOW:HIGH:log) they are searched. The best have the largest HitRate@10 + NDCG@10
(10core: NDCG@10), or the smallest RMSE. Values are read as Python where they are (100, 0.5, True, None), else
as words.
"""

from __future__ import annotations

import argparse
import ast
import time
from typing import Any

from protocols import SEED, validation
from rows import METRICS

import recsmith.models
from recsmith import Run, evaluate
from recsmith.config.space import Choices, Dimension, parse_space
from recsmith.runs.tuning.study import Study


def main() -> None:
    """Prints a line a trial, then the best ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("protocol", choices=list(METRICS))
    parser.add_argument("model", choices=recsmith.models.MODELS)
    parser.add_argument("settings", nargs="*", help="name=value,value… or name=low:high[:log]")
    parser.add_argument("--draws", type=int, default=3, help="ncf: draws of the negatives to average over")
    parser.add_argument(
        "--trials", type=int, default=1_000_000, help="at most; all combinations of lists else"
    )
    parser.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--best", type=int, default=5, help="how many of the best to list at the end")
    asked = parser.parse_intermixed_args()
    judged = validation(asked.protocol, draws=asked.draws)
    split = judged[0].split
    metrics = METRICS[asked.protocol]
    ranked = "RMSE" not in metrics
    space = dict(dimension(one) for one in asked.settings)
    if asked.trials == 1_000_000 and not all(isinstance(one, Choices) for one in space.values()):
        raise SystemExit("--trials must be given for a range. Example: --trials 30")
    study = Study(space, higher_is_better=ranked, n_trials=asked.trials)
    while (trial := study.ask()) is not None:
        start = time.perf_counter()
        model = getattr(recsmith.models, asked.model)(**trial.values).fit(
            split.train, run=Run(seed=SEED, n_threads=asked.threads)
        )
        seconds = time.perf_counter() - start
        found = [
            evaluate(model, task.split, metrics=metrics, candidates=task.candidates, n_bootstrap=0)
            for task in judged
        ]
        values = {name: sum(one[name].value for one in found) / len(found) for name in metrics}
        study.tell(trial.number, sum(values.values()) if ranked else values["RMSE"], values)
        print(told(trial.values, values), f" fit {seconds:.1f} s", flush=True)
    print(f"\nBest on validation ({split.rule})")
    sign = -1 if ranked else 1
    for one in sorted(study.trials(), key=lambda one: sign * (one.value or 0.0))[: asked.best]:
        print(told(one.values, one.result))
    for name, share in study.importances().items():
        print(f"{name} mattered {share:.0%}")


def told(settings: dict[str, Any], values: dict[str, float]) -> str:
    """Returns a trial's line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items()) + f"  {settings}"


def dimension(text: str) -> tuple[str, Dimension]:
    """Reads what is tried of one setting."""
    name, _, values = text.partition("=")
    ends = values.split(":")
    if len(ends) == 1:
        return name, Choices(tuple(_literal(value) for value in values.split(",")))
    raw = {"low": _literal(ends[0]), "high": _literal(ends[1]), "log": ends[2:] == ["log"]}
    return name, parse_space({name: raw}, within="settings")[name]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


if __name__ == "__main__":
    main()
