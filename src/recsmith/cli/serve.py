"""`recsmith serve`: a run behind HTTP, on a store that remembers."""

from __future__ import annotations

import json as json_library
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith serve runs/demo --check")
SETTINGS = typer.Option(
    "--settings", metavar="FILE", help="TOML: limits, [stages] and the rest; options here win over it."
)


def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, a saved model, or a bundle.")],
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="URL", help="sqlite:///FILE or postgresql://…; RUN/service/store.db else."
        ),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="8000 by default; 0 takes a free one.")] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help='JSON: [{"key": …, "scopes": ["read"], "name": …}].'),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Requests answered at the same time; 2 by default.")
    ] = None,
    refresh_every: Annotated[
        float | None,
        typer.Option("--refresh-every", metavar="SECONDS", help="Train on what came in, so often."),
    ] = None,
    settings: Annotated[Path | None, SETTINGS] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Open everything, answer one request, and end.")
    ] = False,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Serve recommendations over HTTP: events in, lists out, a page to try it, OpenAPI at /docs."""
    from recsmith.errors import require

    for needed in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"):
        require(needed, extra="serve")
    from recsmith.runs.service import prepare
    from recsmith.serving.settings import ServeSettings, read_settings

    told, stages = read_settings(settings)
    options = {"host": host, "port": port, "threads": threads, "refresh_every": refresh_every}
    given: dict[str, Any] = {**told, **{name: value for name, value in options.items() if value is not None}}
    given["keys"] = _keys(keys) or given.get("keys", ())
    ServeSettings.of({**given, "place": "", "store": ""}, within="serve").check_address()
    ready = prepare(run, store=store or given.pop("store", None))
    given |= {"place": str(ready.place), "store": ready.store}
    service = ServeSettings.of(given, within="serve")
    facts = {"version": ready.version, "place": str(ready.place), **ready.loaded}
    if check:
        from recsmith.serving.check import answers

        document = {**facts, "answers": answers(service, stages)}
        if json:
            shared.print_json(document)
        else:
            shared.out().print(f"Version {ready.version} answers: {document['answers']}.", markup=False)
        return
    from recsmith.serving.run import run_server

    run_server(service, stages=stages, say=shared.note)


def _keys(file: Path | None) -> Any:
    said = os.environ.get("RECSMITH_KEYS") if file is None else file.read_text(encoding="utf-8")
    if not said:
        return ()
    from recsmith.errors import InvalidValue, Shown

    try:
        return json_library.loads(said)
    except ValueError:
        raise InvalidValue(
            "keys", 'JSON: [{"key": …, "scopes": ["read"]}]', Shown("something else")
        ) from None
