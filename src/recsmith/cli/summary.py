"""`recsmith data summary`: what is in an interaction log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example(
    "recsmith data summary ratings.csv",
    'recsmith data summary orders.csv --user customer --item sku --time ordered_at --separator ";"',
)


def summary(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="x")],
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Say what is in a log: counts, density, dates, the long tail, and what was refused and why."""
