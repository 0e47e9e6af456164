"""`recsmith demo`: the main job on the bundled data, from log to leaderboard to report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example(
    "recsmith demo --out runs/demo",
    "recsmith demo recipes/own-csv.toml --out runs/own",
)


def demo(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="[RECIPE.toml]", help="The same on its data and split; the bundled log else."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Where everything goes.")] = Path(
        "runs/demo"
    ),
    models: Annotated[
        list[str] | None, typer.Option("--only", metavar="MODEL", help="Only these models. May be repeated.")
    ] = None,
    make_report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    progress: shared.Progress = True,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Run the main job on bundled real data, or your own: leaderboard, lists with reasons, report, model."""
    from recsmith.cli.stage import Terminal
    from recsmith.config.recipe import load_recipe
    from recsmith.runs.demo import demo as run_demo

    shared.see_working_folder()
    result = run_demo(
        out,
        recipe=None if recipe is None else load_recipe(recipe),
        models=models,
        report=make_report,
        progress=progress,
        stage=Terminal(shared.err() if json else shared.out()),
    )
    if json:
        shared.print_json(result)
