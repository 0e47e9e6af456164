"""`recsmith frontier`: what diversity costs in accuracy, on a run's own test."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith frontier runs/demo --strength 0.2 --strength 0.5")


def frontier(
    run: shared.RunPath,
    k: Annotated[int, typer.Option("-k", "--k", min=1, help="How long a list is.")] = 10,
    strength: Annotated[
        list[float] | None,
        typer.Option("--strength", min=0, max=1, help="0 to 1; may be repeated. .1 to .7 by default."),
    ] = None,
    progress: shared.Progress = True,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Measure accuracy against diversity for each way of re-ranking that the service has."""
    from recsmith.runs import open_run
    from recsmith.runs.frontier import STRENGTHS
    from recsmith.runs.frontier import frontier as measure

    folder = open_run(run)
    points = measure(
        folder.model(model_class=shared.own_class(model_class)),
        folder.split(),
        k=k,
        strengths=strength or STRENGTHS,
        relevant_from=folder.recipe.evaluate.relevant_from,
        progress=progress,
    )
    if json:
        shared.print_json({"k": k, "points": [asdict(point) for point in points]})
        return
    names = (f"NDCG@{k}", "change", "95 % interval", f"Diversity@{k}", f"Coverage@{k}", f"LongTail@{k}")
    table = shared.plain_table("re-ranking", "strength", *names)
    for point in points:
        interval = f"[{point.low:+.4f}, {point.high:+.4f}]" if point.strength else ""
        change = f"{point.ndcg_change:+.4f}" if point.strength else ""
        figures = (f"{one:.4f}" for one in (point.diversity, point.coverage, point.long_tail))
        table.add_row(
            point.method,
            f"{point.strength:g}",
            f"{point.ndcg:.4f}",
            change,
            shared.text(interval),
            *figures,
        )
    shared.out().print(table)
