"""`recsmith export`: a trained model to a device bundle, with proof that its answers are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith export runs/item-knn --format litert --out bundles/item-knn")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a saved model's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="The folder to be written.")],
    format_: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="litert, onnx, executorch or all.")
    ] = "litert",
    quantize: Annotated[
        str | None,
        typer.Option(metavar="fp16|int8", help="Write a smaller file too, beside that of float32."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the bundle calls itself; the run's name else.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="The longest list that the file gives.")] = 100,
    allow_mismatch: Annotated[
        bool,
        typer.Option("--allow-mismatch", help="Write it even if its answers differ; the manifest says so."),
    ] = False,
    tf_sample_layout: Annotated[
        bool,
        typer.Option(
            "--tf-sample-layout",
            help="Write what TensorFlow's on-device sample app reads, instead of a bundle.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Write a model as files for phone, browser and server, with manifest, catalogue and proof."""
    from recsmith.runs.export import export_run, export_sample

    if tf_sample_layout:
        assets = export_sample(
            run,
            out,
            formats=format_,
            quantize=cast(Any, quantize),
            top_k=top_k,
            overwrite=overwrite,
            model_class=shared.own_class(model_class),
        )
        if json:
            sizes = {file.name: file.stat().st_size for file in sorted(assets.iterdir())}
            shared.print_json({"assets": assets, "files": sizes})
        else:
            shared.out().print(f"The sample app's assets: {assets}", markup=False)
        return
    bundle = export_run(
        run,
        out,
        formats=format_,
        quantize=cast(Any, quantize),
        name=name,
        top_k=top_k,
        allow_mismatch=allow_mismatch,
        overwrite=overwrite,
        model_class=shared.own_class(model_class),
        say=shared.note,
    )
    if json:
        shared.print_json({"bundle": bundle.path, **bundle.manifest.model_dump(mode="json")})
        return
    from recsmith.cli.bundle import show_files

    show_files(bundle)
    shared.out().print(f"Bundle: {bundle.path}", markup=False)
