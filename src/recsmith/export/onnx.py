"""Conversion to ONNX with torch's own exporter: one file, any batch, outputs item, score and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recsmith.errors import require
from recsmith.export.bundle import described
from recsmith.export.graphs.base import DeviceParts, Input, RecommendAndScores
from recsmith.export.manifest import FileSpec, Quantize, SignatureSpec
from recsmith.export.quantize_onnx import variants
from recsmith.export.quiet import quiet
from recsmith.export.signatures import rank_spec, recommend_spec, scores_spec

EXTRA = "onnx"


def ready() -> None:
    """Raises `MissingExtra` where the exporter is not installed."""
    for module in ("onnx", "onnxscript"):
        require(module, extra=EXTRA)


def convert(parts: DeviceParts, folder: Path, *, quantize: Quantize | None) -> list[FileSpec]:
    """Writes model.onnx (and rank.onnx), and what `quantize` asks for beside it; returns their entries."""
    recommend = parts.recommend
    signatures = [recommend_spec(parts, name="recommend", batch=None)]
    net: nn.Module = recommend
    if parts.with_scores:
        net = RecommendAndScores(recommend)
        signatures.append(scores_spec(parts, batch=None))
    outputs = [o.name for s in signatures for o in s.outputs]
    specs = _write(
        net, recommend.graph.inputs, outputs, folder / "model.onnx", "recommend", signatures, quantize
    )
    if parts.rank is not None:
        graph = parts.rank.graph
        entry = [rank_spec(graph, batch=None)]
        specs += _write(parts.rank, graph.inputs, ["score"], folder / "rank.onnx", "rank", entry, quantize)
    return specs


def _write(
    net: nn.Module,
    inputs: tuple[Input, ...],
    outputs: list[str],
    file: Path,
    role: Any,
    signatures: list[SignatureSpec],
    quantize: Quantize | None,
) -> list[FileSpec]:
    sample = tuple(i.empty(2) for i in inputs)  # traced with two people, so that the batch stays free
    batch = torch.export.Dim("batch")
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            ByPlace(net, [i.name for i in inputs]).eval(),
            sample,
            input_names=[i.name for i in inputs],
            output_names=outputs,
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            dynamo=True,
            verbose=False,
            optimize=True,
        )
        assert program is not None
        program.save(str(file), external_data=False)
    _tidy(file)
    specs = [described(file, role, format="onnx", signatures=tuple(signatures))]
    if quantize is not None:
        for small in variants(file, quantize):
            entry = described(small, role, format="onnx", quantize=quantize, signatures=tuple(signatures))
            specs.append(entry)
    return specs


class ByPlace(nn.Module):
    """Takes inputs by place and hands them on by name: the exporter frees no batch of named ones."""

    def __init__(self, net: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.net, self.names = net, names

    def forward(self, *given: Tensor) -> dict[str, Tensor]:
        """Returns the outputs by name."""
        found: dict[str, Tensor] = self.net(**dict(zip(self.names, given, strict=True)))
        return found


def _tidy(file: Path) -> None:
    """Drops what only the exporter wants: the Python lines behind each node, shapes between nodes."""
    import onnx

    model = onnx.load(str(file))
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    del model.graph.metadata_props[:], model.metadata_props[:]
    onnx.save(model, str(file))
