"""Smaller .onnx files: weights as float16 that are cast when used, or as int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import require
from recsmith.export.manifest import Quantize
from recsmith.export.quiet import quiet

_SMALL = 256  # numbers: constants below stay as they are
_INT8 = 127
_HALF = (float(np.finfo(np.float16).min), float(np.finfo(np.float16).max))


def variants(file: Path, quantize: Quantize) -> list[Path]:
    """Writes each way of storing the weights beside `file`; the smallest that is good enough is kept."""
    if quantize == "fp16":
        return [_cast(file)]
    return [_dynamic(file, by_row=True), _dynamic(file, by_row=False), _stored(file)]


def _cast(file: Path) -> Path:
    """Stores each large float table as float16 behind a Cast; the sums stay in float32."""
    onnx: Any = require("onnx", extra="onnx")

    def half(name: str, values: np.ndarray) -> tuple[list[Any], Any]:
        tensor = onnx.numpy_helper.from_array(np.clip(values, *_HALF).astype(np.float16), f"{name}.fp16")
        return [tensor], onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT)

    return _rewritten(onnx, file, "fp16", half)


def _stored(file: Path) -> Path:
    """Stores each large float table as int8 with a scale a row; the sums stay in float32."""
    onnx: Any = require("onnx", extra="onnx")

    def whole(name: str, values: np.ndarray) -> tuple[list[Any], Any]:
        axis = values.ndim - 2
        others = tuple(one for one in range(values.ndim) if one != axis)
        scale = np.maximum(np.abs(values).max(axis=others) / _INT8, np.finfo(np.float32).tiny)
        shape = [1] * values.ndim
        shape[axis] = -1
        codes = np.rint(values / scale.reshape(shape)).astype(np.int8)
        tensors = [
            onnx.numpy_helper.from_array(codes, f"{name}.int8"),
            onnx.numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"),
        ]
        names = [tensor.name for tensor in tensors]
        return tensors, onnx.helper.make_node("DequantizeLinear", names, [name], axis=axis)

    return _rewritten(onnx, file, "int8-stored", whole)


def _rewritten(onnx: Any, file: Path, recipe: str, store: Callable[..., tuple[list[Any], Any]]) -> Path:
    """Writes the file with each large table stored otherwise, and the node that makes floats of it again."""
    model = onnx.load(str(file))
    kept, first = [], []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        is_table = values.dtype == np.float32 and values.ndim >= 2 and values.size >= _SMALL
        if not is_table or not np.isfinite(values).all():
            kept.append(tensor)  # counts and biases keep every digit
            continue
        tensors, node = store(tensor.name, values)
        kept += tensors
        first.append(node)
    nodes = [*first, *model.graph.node]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    small = file.with_name(f"{file.stem}.{recipe}.onnx")
    onnx.save(model, str(small))
    return small


def _dynamic(file: Path, *, by_row: bool) -> Path:
    module: Any = require("onnxruntime.quantization", extra="onnx")
    small = file.with_name(f"{file.stem}.int8{'' if by_row else '-by-table'}.onnx")
    with quiet():
        module.quantize_dynamic(str(file), str(small), weight_type=module.QuantType.QInt8, per_channel=by_row)
    return small
