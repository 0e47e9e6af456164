"""A .tflite made smaller, computing the same: short names inside, equal constants and scales once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import require

_IDENTIFIER = b"TFL3"
_LARGEST = 10**9  # bytes; flatbuffers end at two gigabytes


def tidy(file: Path) -> None:
    """Rewrites the file: short names inside the graph, one copy of a constant that several signatures hold.

    The converter names each tensor after the Python modules it came from, which says much and takes a tenth
    of a small file. Inputs and outputs keep theirs. Files above a gigabyte stay as they are.
    """
    if file.stat().st_size > _LARGEST:
        return
    schema: Any = require("ai_edge_litert.schema_py_generated", extra="litert")
    flatbuffers: Any = require("flatbuffers", extra="litert")
    packed = file.read_bytes()
    model = schema.ModelT.InitFromPackedBuf(packed, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # kept behind the flatbuffer, as the quantiser does
            data = packed[buffer.offset : buffer.offset + buffer.size]
            buffer.data = np.frombuffer(data, np.uint8)
            buffer.offset = buffer.size = 0
    number = 0
    for graph in model.subgraphs:
        named = {*graph.inputs, *graph.outputs}
        for place, tensor in enumerate(graph.tensors):
            if place not in named:  # other tools go by names that are there once
                tensor.name = f"{number:x}".encode()
                number += 1
            _without_empty_parts(tensor)
        for operator in graph.operators:
            for part in ("intermediates", "mutatingVariableInputs"):
                if not _some(getattr(operator, part)):
                    setattr(operator, part, None)
    _share(model)
    _share_scales(model)
    builder = flatbuffers.Builder(len(packed))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    file.write_bytes(bytes(builder.Output()))


def _without_empty_parts(tensor: Any) -> None:
    """Drops what a tensor carries to say nothing: no scales, a shape that is said twice."""
    quantization = tensor.quantization
    if quantization is not None and not _some(quantization.scale) and quantization.details is None:
        tensor.quantization = None
    if tensor.shapeSignature is not None and list(tensor.shapeSignature) == list(tensor.shape):
        tensor.shapeSignature = None


def _some(values: Any) -> bool:
    return values is not None and len(values) > 0


def _share(model: Any) -> None:
    """Points tensors with the same constant at one buffer, those without at buffer 0, and drops the rest."""
    first: dict[str, int] = {}
    kept, new_place = [model.buffers[0]], {0: 0}
    written = {t.buffer for graph in model.subgraphs for t in graph.tensors if t.isVariable}
    for place, buffer in enumerate(model.buffers[1:], start=1):
        if place in written:
            new_place[place] = len(kept)
            kept.append(buffer)
            continue
        if not _some(buffer.data):
            new_place[place] = 0
            continue
        key = hashlib.sha256(bytes(buffer.data)).hexdigest()
        if key not in first:
            first[key] = len(kept)
            kept.append(buffer)
        new_place[place] = first[key]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = new_place[tensor.buffer]
    for metadata in model.metadata or []:
        metadata.buffer = new_place[metadata.buffer]
    model.buffers = kept


class _Once:
    """Is a part that several tensors point to: packed when it is first met."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self._place: int | None = None

    def Pack(self, builder: Any) -> int:
        if self._place is None:
            self._place = self._part.Pack(builder)
        return self._place


def _share_scales(model: Any) -> None:
    """Writes equal scales once: int8 by row has 12 bytes a row of them, for every signature again."""
    first: dict[tuple[bytes, bytes, int], _Once] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            scales = tensor.quantization
            if scales is None or not _some(scales.scale) or scales.details is not None:
                continue
            numbers = np.asarray(scales.scale, np.float32).tobytes()
            zeros = np.asarray(scales.zeroPoint, np.int64).tobytes()
            key = (numbers, zeros, int(scales.quantizedDimension))
            tensor.quantization = first.setdefault(key, _Once(scales))
