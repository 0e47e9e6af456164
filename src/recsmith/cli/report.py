"""`recsmith report`: the page of a run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith report runs/item-knn")


def report(
    run: shared.RunPath,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="RUN/report.html else.")
    ] = None,
    progress: shared.Progress = True,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Write a run's page: one HTML file that works offline."""
    from recsmith.runs import open_run

    path = open_run(run).write_report(out, progress=progress, model_class=shared.own_class(model_class))
    if json:
        shared.print_json({"report": path})
    else:
        shared.out().print(str(path), markup=False)
