"""`recsmith`: gathers the commands and turns errors into messages and exit statuses."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import recsmith
from recsmith.cli import (
    bundle,
    compare,
    crosstab,
    demo,
    doctor,
    evaluate,
    experiment,
    explain,
    export,
    frontier,
    import_config,
    recommend,
    refresh,
    report,
    serve,
    similar,
    summary,
    train,
    tune,
    web,
)
from recsmith.cli.shared import Debug, failures


class Commands(TyperGroup):
    """Runs a command inside `failures`, so that every way of calling it fails alike."""

    def invoke(self, ctx: Any) -> Any:
        """Calls the command."""
        with failures(ctx):
            return super().invoke(ctx)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"recsmith {recsmith.__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Example: recsmith demo --out runs/demo",
    help="From an interaction log to recommendations, with an honest leaderboard on the way.",
)
experiment_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Two versions of a service's model, side by side."
)
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="What is in an interaction log.")

bundle_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Look at, prove and time what export wrote."
)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Debug = False,
) -> None:
    pass


for command in (
    demo,
    train,
    tune,
    evaluate,
    compare,
    recommend,
    similar,
    explain,
    report,
    export,
    web,
    serve,
    refresh,
    frontier,
    doctor,
):
    name = command.__name__.rsplit(".", 1)[-1]
    app.command(name, epilog=command.EXAMPLE)(getattr(command, name))
data_app.command("summary", epilog=summary.EXAMPLE)(summary.summary)
data_app.command("crosstab", epilog=crosstab.EXAMPLE)(crosstab.crosstab)
app.command("import-config", epilog=import_config.EXAMPLE)(import_config.import_config)
for one, shown in (("inspect", bundle.INSPECT), ("verify", bundle.VERIFY), ("bench", bundle.BENCH)):
    bundle_app.command(one, epilog=shown)(getattr(bundle, one))
app.add_typer(bundle_app, name="bundle", epilog="Example: recsmith bundle verify bundles/item-knn")
experiment_app.command("start", epilog=experiment.START)(experiment.start)
experiment_app.command("report", epilog=experiment.REPORT)(experiment.report)
experiment_app.command("end", epilog=experiment.END)(experiment.end)
app.add_typer(experiment_app, name="experiment", epilog="Example: recsmith experiment end runs/demo")
app.add_typer(data_app, name="data", epilog="Example: recsmith data summary ratings.csv")


def main() -> None:
    """Runs the command line; the entry point of the `recsmith` script."""
    app(prog_name="recsmith")


if __name__ == "__main__":
    main()
