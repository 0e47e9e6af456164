"""Conversion to LiteRT (.tflite) with litert-torch: several signatures in one file, weights stored once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from recsmith.errors import require
from recsmith.export.bundle import described
from recsmith.export.flatbuffer import tidy
from recsmith.export.graphs.base import DeviceParts, Input, Scores
from recsmith.export.manifest import FileSpec, Quantize, SignatureSpec
from recsmith.export.quantize_litert import variants
from recsmith.export.quiet import quiet
from recsmith.export.signatures import BATCH, rank_spec, recommend_spec, scores_spec

EXTRA = "litert"


def ready() -> None:
    """Raises `MissingExtra` where the exporter is not installed."""
    require("litert_torch", extra=EXTRA)


def convert(parts: DeviceParts, folder: Path, *, quantize: Quantize | None) -> list[FileSpec]:
    """Writes model.tflite (and rank.tflite), and beside it what `quantize` asks for; returns the entries."""
    recommend = parts.recommend
    asked: list[tuple[nn.Module, SignatureSpec]] = [
        (recommend, recommend_spec(parts, name="recommend", batch=1))
    ]
    asked.append((recommend, recommend_spec(parts, name="recommend_batch", batch=BATCH)))
    if parts.with_scores:
        asked.append((Scores(recommend.graph), scores_spec(parts, batch=1)))
    specs = _write(asked, recommend.graph.inputs, folder / "model.tflite", "recommend", quantize)
    if parts.rank is not None:
        graph = parts.rank.graph
        signature = rank_spec(graph, batch=1)
        specs += _write([(parts.rank, signature)], graph.inputs, folder / "rank.tflite", "rank", quantize)
    return specs


def _write(
    asked: list[tuple[nn.Module, SignatureSpec]],
    inputs: tuple[Input, ...],
    file: Path,
    role: Any,
    quantize: Quantize | None,
) -> list[FileSpec]:
    import litert_torch

    with quiet():
        converter: Any = litert_torch
        for module, spec in asked:
            assert spec.batch is not None
            sample = {i.name: i.empty(spec.batch) for i in inputs}
            converter = converter.signature(spec.name, module.eval(), sample_kwargs=sample)
        converter.convert().export(str(file))
        smaller = [] if quantize is None else variants(file, quantize)
    signatures = tuple(spec for _, spec in asked)
    specs = []
    for one in (file, *smaller):  # the quantiser goes by names, so it comes before they are dropped
        tidy(one)
        kind = None if one == file else quantize
        specs.append(described(one, role, format="litert", quantize=kind, signatures=signatures))
    return specs
