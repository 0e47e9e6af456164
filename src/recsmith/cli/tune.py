"""`recsmith tune`: searches better settings of a recipe's model on validation; the winner is a recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsmith.cli import shared

if TYPE_CHECKING:
    from rich.table import Table

    from recsmith.runs.tuning.result import Tuning

EXAMPLE = shared.example(
    "recsmith tune recipes/movielens-item-knn.toml --trials 6 --out runs/item-knn-tuning",
    "recsmith train runs/item-knn-tuning/best.toml --out runs/item-knn-best",
)
SHOWN = 10
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def tune(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Where the search begins.")],
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Trials in all; as the recipe says else, or 40.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Begin no trial after 90s, 20m, 2h.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Trials side by side, as far as memory holds them.")
    ] = 1,
    set_: shared.Set = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="RUNS", help="The folder; runs/NAME-OF-RECIPE-tuning else."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew; what is there is gone on with else.")
    ] = False,
    make_report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    progress: shared.Progress = True,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Search for better settings on a validation part of train; the winner is a recipe. Test is not touched.

    A search that was stopped goes on with the same command.
    """
    from recsmith.config.recipe import load_recipe
    from recsmith.runs.tuning import tune as tune_recipe

    shared.see_working_folder()
    found = tune_recipe(
        load_recipe(recipe, overrides=set_ or ()),
        out=out or Path("runs") / f"{recipe.stem}-tuning",
        trials=trials,
        timeout=None if timeout is None else _seconds(timeout),
        jobs=jobs,
        overwrite=overwrite,
        report=make_report,
        progress=progress,
        say=shared.note,
    )
    if json:
        shared.print_json(found.to_dict())
        return
    console = shared.out()
    console.print(_table(found))
    if found.importances:
        told = ", ".join(f"{_short(name)} {share:.0%}" for name, share in found.importances.items())
        console.print(f"What mattered: {told}", markup=False)
    console.print(f"On validation only; on test: recsmith train {found.path / 'best.toml'}", markup=False)


def _table(found: Tuning) -> Table:
    table = shared.plain_table("#", "trial", found.metric, "95 %", *map(_short, found.space), "seconds")
    counts = ", ".join(f"{n} {state}" for state, n in found.counts().items())
    table.title = shared.text(f"{found.recipe.model.name} by {found.metric} on validation ({counts})")
    ranked = list(enumerate(found.ranked(), 1))
    for rank, trial in ranked[:SHOWN] + [one for one in ranked[SHOWN:] if one[1].is_own]:
        low, high = found.interval(trial)
        between = "" if low is None or high is None else f"{low:.4f} to {high:.4f}"
        value = trial.state if trial.value is None else f"{trial.value:.4f}"
        own = " (recipe's)" if trial.is_own else ""
        settings = [_shown(trial.values.get(name)) for name in found.space]
        seconds = f"{trial.result['seconds']:.1f}" if "seconds" in trial.result else ""
        table.add_row(str(rank), f"{trial.number}{own}", value, between, *settings, seconds)
    return table


def _seconds(text: str) -> float:
    from recsmith.errors import InvalidValue

    parts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if parts is None or not float(parts.group(1)):
        raise InvalidValue("--timeout", "a time such as 90s, 20m or 2h", text)
    return float(parts.group(1)) * _SECONDS[parts.group(2)]


def _short(name: str) -> str:
    return name.removeprefix("model.")


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else shared.text(value)
