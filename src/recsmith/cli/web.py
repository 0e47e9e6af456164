"""`recsmith web`: a static site that recommends from a bundle inside the visitor's browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith web bundles/item-knn --out site")


def web(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, from recsmith export.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="SITE", help="Folder for the site.")] = Path(
        "site"
    ),
    runtime: Annotated[
        Literal["litert", "onnx", "both"] | None,
        typer.Option("--runtime", help="What runs the model; by default litert, or onnx without it."),
    ] = None,
    quantize: Annotated[
        Literal["fp16", "int8"] | None,
        typer.Option("--quantize", help="Take the bundle's fp16 or int8 file."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heads the page and names the app.")] = None,
    kind: Annotated[
        Literal["films", "items"] | None,
        typer.Option("--kind", help="The page's words; films for a catalogue with genres by default."),
    ] = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Write a static site for any host: it recommends in the visitor's browser and sends nothing anywhere."""
    from recsmith.export.site import write_site

    site = write_site(
        bundle,
        out=out,
        runtime=runtime,
        quantize=quantize,
        title=title,
        kind=kind,
    )
    if json:
        shared.print_json(
            {
                "path": site.path,
                "runtime": site.runtime,
                "n_files": site.n_files,
                "bytes": {"all": site.n_bytes, **site.bytes_by_part},
            }
        )
        return
    sizes = ", ".join(f"{part} {count / 1e6:.1f}" for part, count in site.bytes_by_part.items())
    shared.out().print(
        f"Wrote {shared.text(site.path)}: {site.n_files} files, {site.n_bytes / 1e6:.1f} MB before "
        f"compression ({sizes}); runs on {site.runtime}."
    )
    shared.out().print(f"Look at it: python -m http.server --directory {shared.text(site.path)}")
