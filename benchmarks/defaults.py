"""How much of the tuned quality the defaults reach, at 100 thousand, 1 million and 10 million interactions.

    python benchmarks/defaults.py 100k 1m                 every classic model, MovieLens
    python benchmarks/defaults.py 10m --trials 8          a made log with tastes (benchmarks/generate.py)
    python benchmarks/defaults.py 100k --models TwoTower NextItem --trials 6
    python benchmarks/defaults.py --write                 the tables of what was measured, to docs/results.md

Each model's own search space is searched on validation (`recsmith.tune`), the defaults being the first
trial; then both are judged on test, on the same people. What was measured is kept and gone on with (`--out`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from protocols import data_folder

import recsmith.models
from recsmith import tune
from recsmith.config import Recipe, parse_recipe
from recsmith.config.data_recipe import TableSource
from recsmith.models import MODELS
from recsmith.runs.build import judge, make_model, make_run, make_split
from recsmith.runs.sources import load_data
from recsmith.runs.tuning.validation import some_users

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results.md"
START, END = "<!-- benchmarks/defaults.py writes from here -->", "<!-- defaults to here -->"
MADE = "tastes-10m.parquet"
SIZES = {"100k": "MovieLens 100K", "1m": "MovieLens 1M", "10m": "made, 10 million"}
RATERS = ("FunkSVD", "SVDpp", "EmbeddingDotBias", "DNN", "DCN", "FactorizationMachine")
"""Models that are judged by RMSE on a random tenth; the others by NDCG@10 on each person's last event."""
NOT_ALONE = ("Pipeline", "Blend")
"""Models made of others, which have no defaults."""
JUDGED = 5000


def main() -> None:
    """Measures what is asked for, or writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="the classic ones when not given")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/defaults"))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if not set(asked.sizes) <= set(SIZES):
        parser.error(f"SIZE must be among {', '.join(SIZES)}")
    for size in asked.sizes:
        for name in asked.models or classic():
            file = asked.out / f"{size}-{name}.json"
            if not file.is_file():
                found = measure(size, name, asked)
                file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            print(line(json.loads(file.read_text(encoding="utf-8"))), flush=True)
    if asked.write:
        write(asked.out)


def classic() -> list[str]:
    """Lists the models that need no torch and are not made of others."""
    return [name for name in MODELS if name not in NOT_ALONE and not _is_neural(name)]


def recipe_of(size: str, name: str, *, threads: int) -> Recipe:
    """Returns a recipe of nothing but defaults."""
    rates = name in RATERS
    folder = data_folder()
    if size == "10m":
        data = {"source": "table", "path": str(Path("runs") / "defaults" / MADE), "name": SIZES[size]}
        data |= {"user": "userId", "item": "movieId", "weight": "rating", "time": "timestamp"}
    else:
        data = {"source": "movielens", "size": size, "path": str((folder or Path()) / f"ml-{size}")}
    rule = {"rule": "random_holdout", "fraction": 0.1} if rates else {"rule": "leave_last_out"}
    return parse_recipe(
        {
            "data": data,
            "split": rule,
            "model": {"class": name},
            "run": {"n_threads": threads},
            "evaluate": {"metrics": ["RMSE"] if rates else ["NDCG@10"]},
            "tune": {"max_users": 2000 if size == "10m" else JUDGED},
        }
    )


def measure(size: str, name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Searches on validation, then judges the defaults and the winner on test."""
    recipe = recipe_of(size, name, threads=asked.threads)
    if isinstance(recipe.data, TableSource) and not Path(str(recipe.data.path)).is_file():
        raise SystemExit(
            f"{recipe.data.path} must be there. Make it with benchmarks/generate.py --tastes 20."
        )
    found = tune(recipe, out=asked.out / f"{size}-{name}", trials=asked.trials, report=False, progress=False)
    assert found.own is not None, f"the defaults of {name} must lie in its search space"
    split = some_users(make_split(load_data(recipe.data), recipe), JUDGED, seed=0)
    test = {}
    for what, one in (("default", recipe), ("tuned", found.best_recipe)):
        if what == "tuned" and found.best is found.own:
            test[what] = test["default"]
            continue
        run = make_run(one.run, progress=False)
        model = make_model(one.model).fit(split.train, run=run)
        figure = judge(model, split, one.evaluate, run=make_run(one.run, progress=False))[found.metric]
        test[what] = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {
        "size": size,
        "model": name,
        "metric": found.metric,
        "trials": found.counts(),
        "validation": {"default": found.own.value, "tuned": found.best.value},
        "test": test,
        "settings": changed(found.own.values, found.best.values),
        "fit_cpu_seconds": found.own.result["fit_cpu_seconds"],
    }


def changed(own: dict[str, Any], best: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of the winner that are not the defaults."""
    short = {name.removeprefix("model."): value for name, value in best.items() if value != own[name]}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in short.items()}


def share(found: dict[str, Any], part: str) -> float:
    """Returns the share of the tuned quality that the defaults reach; of an error, the other way round."""
    values = found[part]
    default, tuned = (
        (one["value"] if isinstance(one, dict) else one) for one in (values["default"], values["tuned"])
    )
    return tuned / default if found["metric"] == "RMSE" else default / tuned


def line(found: dict[str, Any]) -> str:
    """Returns a row of the table."""
    test = found["test"]
    default, tuned = (
        f"{test[what]['value']:.4f} [{test[what]['low']:.4f}, {test[what]['high']:.4f}]"
        for what in ("default", "tuned")
    )
    settings = ", ".join(f"`{name}={value}`" for name, value in found["settings"].items()) or "the defaults"
    shares = f"{share(found, 'validation'):.0%} | {share(found, 'test'):.0%}"
    trials = sum(found["trials"].values())
    cells = [found["metric"], default, tuned, shares, settings, f"{trials}"]
    return f"| `{found['model']}` | {' | '.join(cells)} | {found['fit_cpu_seconds']:.1f} |"


def write(folder: Path) -> None:
    """Puts a table for each size between the marks in docs/results.md; rows of others stay as they are."""
    head = (
        "| model | metric | defaults, test | tuned, test | share, validation | share, test | tuned settings "
        "| trials | fit, CPU s |\n|---|---|---|---|---|---|---|---|---|"
    )
    text = RESULTS.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    there, after = rest.split(END, 1)
    parts = []
    for size, title in SIZES.items():
        rows = kept(there, title)
        for file in folder.glob(f"{size}-*.json"):
            found = json.loads(file.read_text(encoding="utf-8"))
            rows[found["model"]] = line(found)
        if rows:
            parts.append(
                "\n".join([f"**{title}**", "", head, *(rows[name] for name in MODELS if name in rows)])
            )
    tables = "\n\n".join(parts)
    RESULTS.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def kept(tables: str, title: str) -> dict[str, str]:
    """Returns the rows by model that stand under a title, so that what was not measured again stays."""
    mine = tables.partition(f"**{title}**")[2].partition("\n**")[0]
    return {row.split("`")[1]: row for row in mine.splitlines() if row.startswith("| `")}


def _is_neural(name: str) -> bool:
    return recsmith.models._ROOM[name].startswith("neural.")


if __name__ == "__main__":
    main()
