"""Smaller .tflite files: weights as float16, or as int8 with the sums in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsmith.errors import require
from recsmith.export.manifest import Quantize
from recsmith.export.quiet import quiet

_ALL = "*"


def variants(file: Path, quantize: Quantize) -> list[Path]:
    """Writes each way of storing the weights beside `file`; who calls keeps the smallest that is good enough.

    int8 by row has a scale for each row of a table (12 bytes more a row), by table one for all; both make
    integers of what meets the table too, stored does not.
    """
    recipes = {"fp16": ("fp16",), "int8": ("int8", "int8-by-table", "int8-stored")}[quantize]
    return [_quantized(file, recipe) for recipe in recipes]


def quantized(file: Path, quantize: Quantize) -> Path:
    """Writes the first variant and returns its path."""
    return _quantized(file, quantize)


def _quantized(file: Path, recipe: str) -> Path:
    aeq: Any = require("ai_edge_quantizer", extra="litert")
    quantizer = aeq.quantizer.Quantizer(str(file))
    kinds = aeq.qtyping
    if recipe == "fp16":
        config = kinds.OpQuantizationConfig(
            weight_tensor_config=kinds.TensorQuantizationConfig(
                num_bits=16, dtype=kinds.TensorDataType.FLOAT
            ),
            compute_precision=kinds.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        algorithm = aeq.algorithm_manager.AlgorithmName.FLOAT_CASTING
        quantizer.update_quantization_recipe(".*", _all(aeq), config, algorithm)
    elif recipe == "int8-stored":
        quantizer.add_weight_only_config(regex=".*", operation_name=_all(aeq), num_bits=8)
    else:
        by_table = recipe.endswith("by-table")
        grain = kinds.QuantGranularity.TENSORWISE if by_table else kinds.QuantGranularity.CHANNELWISE
        quantizer.add_dynamic_config(regex=".*", operation_name=_all(aeq), num_bits=8, granularity=grain)
    small = file.with_name(f"{file.stem}.{recipe}.tflite")
    with quiet():
        quantizer.quantize(enable_progress_bar=False, enable_progress_report=False).export_model(
            str(small), overwrite=True
        )
    return small


def _all(aeq: Any) -> Any:
    return aeq.qtyping.TFLOperationName.ALL_SUPPORTED
