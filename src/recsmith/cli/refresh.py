"""`recsmith refresh`: train on what a service took in, and publish what is not worse."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example(
    "recsmith refresh runs/demo",
    "recsmith refresh runs/demo --version 000001",
)


def refresh(
    place: Annotated[Path, typer.Argument(metavar="PLACE", help="The folder of versions, or RUN.")],
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="The service's store; beside PLACE else.")
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", help="How much worse NDCG@10 may be and still be published.")
    ] = 0.005,
    min_new: Annotated[int, typer.Option("--min-new", help="Fewer new events than this train nothing.")] = 1,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Publish what is worse, or cannot be judged, too.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Put the version before this one in place.")
    ] = False,
    version: Annotated[
        str | None, typer.Option("--version", metavar="NNNNNN", help="Put this kept version in place.")
    ] = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Retrain on the store's events; publish the new model unless it is worse on the newest of them."""
    from recsmith.runs.refresh import refresh as go
    from recsmith.runs.service import store_of, versions_at
    from recsmith.serving.store import Store

    versions = versions_at(place)
    if rollback or version:
        if version:
            versions.put_in_place(version)
        now = version or versions.roll_back()
        if json:
            shared.print_json({"version": now})
        else:
            shared.out().print(f"Version {now} is in place.", markup=False)
        return
    database = Store(store or store_of(versions))
    try:
        done = go(versions, database, margin=margin, min_new=min_new, anyway=anyway)
    finally:
        database.close()
    if json:
        shared.print_json(asdict(done))
        return
    said = f"Version {done.version} is in place" if done.version else "Nothing was published"
    shared.out().print(f"{said}: {done.why}.", markup=False)
    if done.judged:
        table = shared.plain_table("NDCG@10", "before", "after", "difference", "95 % interval", "people")
        j = done.judged
        table.add_row(
            "newest events",
            f"{j['before']:.4f}",
            f"{j['after']:.4f}",
            f"{j['difference']:+.4f}",
            f"[{j['low']:+.4f}, {j['high']:+.4f}]".replace("[", r"\["),
            f"{j['n_users']:.0f}",
        )
        shared.out().print(table)
