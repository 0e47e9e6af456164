"""`recsmith compare`: is one run better than another, or was it luck?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith compare runs/item-knn runs/item-knn-50")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="The first is the one to beat.")],
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME@K", help="Only these. May be repeated.")
    ] = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Compare runs on the same users with a paired test."""
    from recsmith.runs import compare_runs

    if len(runs) < 2:
        raise shared.wrong_call("Give two runs or more.")
    result = compare_runs(runs, metrics=metric)
    if json:
        shared.print_json(result.to_dict())
    else:
        shared.out().print(result)
