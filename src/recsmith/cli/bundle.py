"""`recsmith bundle inspect|verify|bench`: what a bundle holds, whether it answers as it should, how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from recsmith.cli import shared

INSPECT = shared.example("recsmith bundle inspect bundles/item-knn")
VERIFY = shared.example("recsmith bundle verify bundles/item-knn")
BENCH = shared.example("recsmith bundle bench bundles/item-knn --calls 500")

BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A folder that recsmith export wrote.")]


def inspect(bundle: BundlePath, json: shared.Json = False, debug: shared.Debug = False) -> None:
    """Say what a bundle holds: files, inputs and outputs, and what a score means."""
    from recsmith.export.bundle import Bundle

    opened = Bundle.open(bundle)
    manifest = opened.manifest
    if json:
        shared.print_json({"bundle": opened.path, **manifest.model_dump(mode="json")})
        return
    table = shared.plain_table("", "value", headings_shown=False)
    table.add_row("name", shared.text(manifest.name))
    table.add_row("model", manifest.model_class)
    table.add_row("made", f"{manifest.created}, {_versions(manifest.created_by)}")
    table.add_row("items", f"{manifest.n_items:,}")
    table.add_row(
        "history", f"the newest {manifest.history_length} go in, {manifest.context_length} of them are read"
    )
    table.add_row("longest list", str(manifest.top_k))
    table.add_row("score", shared.text(manifest.score.meaning))
    shared.out().print(table)
    show_files(opened)
    show_signatures(opened)
    if manifest.mismatch_allowed:
        shared.out().print("Written although its answers differ (--allow-mismatch).", style="bold red")


def verify(
    bundle: BundlePath,
    runtime: Annotated[
        str, typer.Option(metavar="RUNTIME", help="litert, onnx, executorch, or all that are installed here.")
    ] = "all",
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Check every checksum, ask each model file for the recorded histories' lists, and compare."""
    from recsmith.export.verify import verify as check

    found = check(bundle, runtime=cast(Any, runtime))
    if json:
        shared.print_json(found)
    else:
        table = shared.plain_table("file", "same order", "overlap", "scores apart", "answers")
        for row in found["files"]:
            _add_verdict(table, row)
        shared.out().print(table)
    if not found["ok"]:
        raise typer.Exit(shared.FAILED)


def bench(
    bundle: BundlePath,
    calls: Annotated[int, typer.Option(min=10, help="Calls that are timed, after a tenth as many.")] = 300,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Time each model file on one thread: cold start, then call by call; and weigh it."""
    from recsmith.export.bench import bench as measure

    rows = measure(bundle, calls=calls)
    if json:
        shared.print_json({"bundle": bundle, "files": rows})
        return
    headings = (
        "file",
        "bytes",
        "gzip",
        "brotli",
        "cold start, ms",
        "p50, µs",
        "p99, µs",
        "per person of 16, µs",
    )
    table = shared.plain_table(*headings)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["file"],
            *(_number(row[key]) for key in ("bytes", "gzip", "brotli")),
            *(_number(row[key], 1) for key in ("cold_start_ms", "p50_us", "p99_us", "batch_us")),
        )
    shared.out().print(table)


def show_files(bundle: Any) -> None:
    """Prints the files of a bundle with their sizes and how they compare with the model."""
    table = shared.plain_table("file", "what", "weights", "bytes", "same order", "overlap", "scores apart")
    for spec in bundle.manifest.files:
        figures = spec.parity
        compared = ("", "", "")
        if figures is not None:
            apart = figures.max_score_difference
            compared = (
                f"{figures.order_equal} of {figures.n_histories}",
                f"{figures.overlap:.4f}",
                "" if apart is None else f"{apart:.1e}",
            )
        weights = (spec.quantize or "float32") if spec.format else ""
        table.add_row(shared.text(spec.path), spec.format or spec.role, weights, f"{spec.bytes:,}", *compared)
    for column in table.columns[3:]:
        column.justify = "right"
    shared.out().print(table)


def show_signatures(bundle: Any) -> None:
    """Prints how the first model file is called."""
    first = bundle.models[0]
    table = shared.plain_table("signature", "", "name", "type", "value")
    for signature in first.signatures:
        for way, tensors in (("in", signature.inputs), ("out", signature.outputs)):
            for tensor in tensors:
                shape = ", ".join("any" if n is None else str(n) for n in tensor.shape)
                kind = shared.text(f"{tensor.dtype} [{shape}]")
                table.add_row(signature.name, way, tensor.name, kind, shared.text(tensor.meaning))
    shared.out().print(table)


def _add_verdict(table: Any, row: dict[str, Any]) -> None:
    if row.get("skipped"):
        table.add_row(row["file"], "", "", "", f"not asked: {row['skipped']}")
        return
    same = f"{row['order_equal']} of {row['n_histories']}"
    said = "the same" if row["passed"] else "DIFFERENT"
    if row["passed"] and row["quantize"]:
        said = "close enough"
    table.add_row(row["file"], same, f"{row['overlap']:.4f}", f"{row['max_score_difference']:.1e}", said)


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())
