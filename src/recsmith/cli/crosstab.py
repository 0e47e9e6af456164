"""`recsmith data crosstab`: the most active people against the most taken items, as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith data crosstab ratings.csv --out crosstab.xlsx")


def crosstab(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="x")],
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Set the most active people against the most taken items."""
