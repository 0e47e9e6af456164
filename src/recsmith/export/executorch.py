"""Conversion to ExecuTorch (.pte) with the XNNPACK delegate; one person a call, method `forward`.

ExecuTorch's Python runtime needs torch: a .pte is for apps (C++, Kotlin, Swift); Python reads it to check it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from recsmith.errors import require
from recsmith.export.bundle import described
from recsmith.export.graphs.base import DeviceParts, Input, RecommendAndScores
from recsmith.export.manifest import FileSpec, Quantize, Role, SignatureSpec
from recsmith.export.quantize_executorch import Stored
from recsmith.export.quiet import quiet
from recsmith.export.signatures import rank_spec, recommend_spec, scores_spec

EXTRA = "executorch"


def ready() -> None:
    """Raises `MissingExtra` where the exporter is not installed."""
    require("executorch.exir", extra=EXTRA)


def convert(parts: DeviceParts, folder: Path, *, quantize: Quantize | None) -> list[FileSpec]:
    """Writes model.pte (and rank.pte), and what `quantize` asks for beside it; returns their entries.

    A recurrent encoder is unrolled, a step for each event of its context: an LSTM over fifty takes minutes.
    """
    recommend = parts.recommend
    signatures = [recommend_spec(parts, name="recommend", batch=1)]
    net: nn.Module = recommend
    if parts.with_scores:
        net = RecommendAndScores(recommend)
        signatures.append(scores_spec(parts, batch=1))
    inputs = recommend.graph.inputs
    specs = []
    for kind in dict.fromkeys((None, quantize)):
        ending = "pte" if kind is None else f"{kind}.pte"
        specs.append(_write(net, inputs, folder / f"model.{ending}", "recommend", signatures, kind))
        if parts.rank is not None:
            graph, of_rank = parts.rank.graph, [rank_spec(parts.rank.graph, batch=1)]
            specs.append(_write(parts.rank, graph.inputs, folder / f"rank.{ending}", "rank", of_rank, kind))
    return specs


def _write(
    net: nn.Module,
    inputs: tuple[Input, ...],
    file: Path,
    role: Role,
    signatures: list[SignatureSpec],
    quantize: Quantize | None,
) -> FileSpec:
    exir: Any = require("executorch.exir", extra=EXTRA)
    xnnpack: Any = require("executorch.backends.xnnpack.partition.xnnpack_partitioner", extra=EXTRA)
    with quiet(), torch.no_grad():
        sample = {i.name: i.empty(1) for i in inputs}
        asked = net.eval() if quantize is None else Stored(net.eval(), quantize).eval()
        exported = torch.export.export(asked, (), kwargs=sample, strict=False)
        lowered = exir.to_edge_transform_and_lower(exported, partitioner=[xnnpack.XnnpackPartitioner()])
        file.write_bytes(lowered.to_executorch().buffer)
    return described(file, role, format="executorch", quantize=quantize, signatures=tuple(signatures))
