"""`recsmith evaluate`: judges a trained run again, with the metrics one asks for."""

from __future__ import annotations

from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith evaluate runs/demo --metric NDCG@10 --metric Coverage@10")


def evaluate(
    run: shared.RunPath,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME@K", help="Instead of the recipe's. May be repeated."),
    ] = None,
    n_bootstrap: Annotated[
        int | None, typer.Option("--n-bootstrap", min=0, help="Resamples behind the 95 % intervals.")
    ] = None,
    progress: shared.Progress = True,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Judge a trained model on its own split: metrics with 95 % intervals."""
    from recsmith.runs import open_run

    folder = open_run(run)
    found = folder.evaluate(
        metrics=metric, n_bootstrap=n_bootstrap, progress=progress, model_class=shared.own_class(model_class)
    )
    if json:
        shared.print_json(found.to_dict())
    else:
        shared.out().print(found)
