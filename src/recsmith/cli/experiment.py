"""`recsmith experiment`: two versions side by side, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from recsmith.cli import shared

PlaceOf = Annotated[Path, typer.Argument(metavar="PLACE", help="The folder of versions, or RUN.")]
StoreUrl = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The service's store; beside PLACE else.")
]
START = shared.example(
    "recsmith experiment start runs/demo --name wider --variant old=000001:0.5 --variant new=000001:0.5"
)
REPORT = shared.example("recsmith experiment report runs/demo --name wider")
END = shared.example("recsmith experiment end runs/demo")


def start(
    place: PlaceOf,
    name: Annotated[str, typer.Option("--name", help="Of the experiment; it draws the sides.")],
    variant: Annotated[
        list[str], typer.Option("--variant", metavar="SIDE=VERSION:SHARE", help="A side; at least two.")
    ],
    debug: shared.Debug = False,
) -> None:
    """Begin an experiment; a service on this place takes it up at once."""
    from recsmith.runs.service import versions_at
    from recsmith.serving.experiments import Experiment, Running

    sides = {}
    versions = versions_at(place)
    for one in variant:
        side, _, rest = one.partition("=")
        version, _, share = rest.partition(":")
        try:
            sides[side] = {"version": version, "share": float(share)}
        except ValueError:
            raise shared.wrong_call(f"--variant must be SIDE=VERSION:SHARE. Got {one}.") from None
        versions.about(version)
    Running(versions.folder).put(Experiment.of({"name": name, "variants": sides}, within="experiment"))
    shared.out().print(f"Experiment {name} runs.", markup=False)


def end(place: PlaceOf, debug: shared.Debug = False) -> None:
    """End the experiment; what was shown stays in the store."""
    from recsmith.runs.service import versions_at
    from recsmith.serving.experiments import Running

    Running(versions_at(place).folder).end()
    shared.out().print("No experiment runs.", markup=False)


def report(
    place: PlaceOf,
    name: Annotated[str, typer.Option("--name", help="Of the experiment.")],
    store: StoreUrl = None,
    hours: Annotated[float, typer.Option("--hours", help="How long after a list an event counts.")] = 24.0,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Show the hit rate of each side with its interval, and the differences."""
    from recsmith.runs import experiment
    from recsmith.runs.service import store_of, versions_at
    from recsmith.serving.store import Store
    from recsmith.serving.verdict import report as judge

    database = Store(store or store_of(versions_at(place)))
    try:
        found = judge(database, name, hours=hours)
        estimates = experiment.greedy(database, hours=hours)
    finally:
        database.close()
    if json:
        told = {
            side: {"value": v, "low": low, "high": high} for side, (v, low, high) in found.differences.items()
        }
        sides = [asdict(side) for side in found.sides]
        estimated = {key: asdict(value) for key, value in estimates.items()}
        shared.print_json({"sides": sides, "differences": told, "without drawing": estimated})
        return
    table = shared.plain_table(
        "side", "people", "lists", "hit rate", "95 % interval", "difference from the first"
    )
    for side in found.sides:
        apart = found.differences.get(side.name)
        table.add_row(
            shared.text(side.name),
            str(side.n_people),
            str(side.n_lists),
            f"{side.value:.4f}",
            shared.text(f"[{side.low:.4f}, {side.high:.4f}]"),
            "" if apart is None else shared.text(f"{apart[0]:+.4f} [{apart[1]:+.4f}, {apart[2]:+.4f}]"),
        )
    shared.out().print(table)
    for key, value in estimates.items():
        said = f"First place without drawing, {key}: {value.value:.4f} [{value.low:.4f}, {value.high:.4f}]"
        shared.out().print(said, markup=False)
