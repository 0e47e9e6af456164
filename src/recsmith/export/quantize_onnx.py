"""Smaller .onnx files: weights as float16 that are cast when used, or as int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import require
from recsmith.export.manifest import Quantize
from recsmith.export.quiet import quiet

_SMALL = 256  # numbers: constants below stay as they are
_HALF = (float(np.finfo(np.float16).min), float(np.finfo(np.float16).max))


def variants(file: Path, quantize: Quantize) -> list[Path]:
    """Writes each way of storing the weights beside `file`; the smallest that is good enough is kept."""
    if quantize == "fp16":
        return [_cast(file)]
    return [_dynamic(file, by_row=True), _dynamic(file, by_row=False)]


def _cast(file: Path) -> Path:
    """Stores each large float table as float16 behind a Cast; the sums stay in float32."""
    onnx: Any = require("onnx", extra="onnx")
    model = onnx.load(str(file))
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _SMALL:
            continue  # counts and biases keep every digit
        half = np.clip(values, *_HALF).astype(np.float16)
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    small = file.with_name(f"{file.stem}.fp16.onnx")
    onnx.save(model, str(small))
    return small


def _dynamic(file: Path, *, by_row: bool) -> Path:
    module: Any = require("onnxruntime.quantization", extra="onnx")
    small = file.with_name(f"{file.stem}.int8{'' if by_row else '-by-table'}.onnx")
    with quiet():
        module.quantize_dynamic(str(file), str(small), weight_type=module.QuantType.QInt8, per_channel=by_row)
    return small
