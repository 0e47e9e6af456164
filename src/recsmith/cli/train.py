"""`recsmith train`: a recipe in, a run folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example(
    "recsmith train recipes/movielens-item-knn.toml --out runs/item-knn",
    "recsmith train recipes/movielens-item-knn.toml --set model.n_neighbours=50 --out runs/item-knn-50",
)


def train(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE.toml]", help="What to train.")] = None,
    set_: shared.Set = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="RUN", help="The run folder; runs/NAME-OF-RECIPE else."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with a training that was stopped.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out when it is there.")] = False,
    make_report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    progress: Annotated[
        bool | None,
        typer.Option("--progress/--no-progress", help="Bars on standard error; as the recipe says else."),
    ] = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Train what a recipe says, judge it, and keep everything in one run folder."""
    from recsmith.config.recipe import load_recipe
    from recsmith.runs import resume as go_on
    from recsmith.runs import train as train_recipe

    shared.see_working_folder()
    if (recipe is None) == (resume is None):
        raise shared.wrong_call("Give a RECIPE.toml, or --resume RUN.")
    if resume is not None:
        if set_ or out or overwrite:
            raise shared.wrong_call(
                "--resume goes on as the run began; it takes no --set, --out or --overwrite."
            )
        folder = go_on(resume, report=make_report, progress=progress, say=shared.note)
    else:
        assert recipe is not None
        folder = train_recipe(
            load_recipe(recipe, overrides=set_ or ()),
            out=out or Path("runs") / recipe.stem,
            overwrite=overwrite,
            report=make_report,
            progress=progress,
            say=shared.note,
        )
    if json:
        shared.print_json({"run": folder.path, "model": folder.recipe.model.name, "metrics": folder.metrics})
        return
    if folder.metrics:
        shared.out().print(folder.evaluation)
    shared.out().print(f"Run folder: {folder.path}", markup=False)
