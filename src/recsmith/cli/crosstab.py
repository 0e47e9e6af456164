"""`recsmith data crosstab`: the most active people against the most taken items, as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import log, shared

EXAMPLE = shared.example("recsmith data crosstab ratings.csv --out crosstab.xlsx")


def crosstab(
    path: log.LogPath,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="X.xlsx", help="A workbook: actual, predicted, factors, error."),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many people and items.")] = 15,
    factors: Annotated[
        int, typer.Option("--factors", min=0, help="Factors of the model that predicts; 0 predicts nothing.")
    ] = 5,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out when it is there.")] = False,
    format: log.Format = None,
    user: log.User = None,
    item: log.Item = None,
    weight: log.Weight = None,
    time: log.Time = None,
    separator: log.Separator = None,
    header: log.Header = True,
    encoding: log.Encoding = "utf-8",
    duplicates: log.Duplicates = "keep_last",
    on_bad_rows: log.OnBadRows = "error",
    progress: shared.Progress = True,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Set the most active people against the most taken items: what they gave, what a model expects."""
    from recsmith.runs.crosstab import make_crosstab, write_workbook
    from recsmith.runs.files import refuse_existing

    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    data = log.read_log(
        path,
        format=format,
        user=user,
        item=item,
        weight=weight,
        time=time,
        separator=separator,
        header=header,
        encoding=encoding,
        duplicates=duplicates,
        on_bad_rows=on_bad_rows,
    )
    # Nothing is predicted that nobody will see: the terminal shows what people gave.
    table = make_crosstab(data, n=n, n_factors=factors if out is not None or json else 0, progress=progress)
    if out is not None:
        write_workbook(table, out, overwrite=overwrite)
    if json:
        document = {
            "user_ids": table.user_ids,
            "titles": table.titles,
            "actual": table.actual,
            "predicted": table.predicted,
            "error": table.error,
        }
        shared.print_json(document | ({"out": out} if out is not None else {}))
    elif out is not None:
        shared.out().print(str(out), markup=False)
    else:
        shown = shared.plain_table("user", *(shared.text(title[:14]) for title in table.titles))
        for user_id, row in zip(table.user_ids, table.actual, strict=True):
            shown.add_row(shared.text(user_id), *("" if cell != cell else f"{cell:g}" for cell in row))
        shared.out().print(shown)
