"""What reads a model file in Python: LiteRT and ONNX Runtime, each alone; ExecuTorch, which needs torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from recsmith.errors import ModelFileError, require
from recsmith.export.engine_executorch import ExecuTorchEngine
from recsmith.export.manifest import FileSpec, Format, SignatureSpec
from recsmith.export.quiet import quiet

PACKAGE: dict[Format, tuple[str, str]] = {
    "litert": ("ai_edge_litert.interpreter", "litert-runtime"),
    "onnx": ("onnxruntime", "onnx-runtime"),
    "executorch": ("executorch.runtime", "executorch"),
}
"""Format → the module that reads it, and the extra that installs it; in the order that readers prefer."""


class Engine(Protocol):
    """Runs one model file; nothing is kept from one call to the next."""

    def run(self, signature: SignatureSpec, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns name → output of a call with as many rows as the signature's batch."""


class LiteRTEngine:
    """Reads a .tflite with ai-edge-litert."""

    def __init__(self, file: Path, spec: FileSpec, *, n_threads: int = 1) -> None:
        module = require(PACKAGE["litert"][0], extra=PACKAGE["litert"][1])
        try:
            with quiet():  # it announces its delegate on standard error
                self._interpreter: Any = module.Interpreter(model_path=str(file), num_threads=n_threads)
                self._interpreter.allocate_tensors()
            there = set(self._interpreter.get_signature_list())
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(f"{file} must be a LiteRT model. Got: {_first_line(error)}") from error
        _compare(file, there, {s.name for s in spec.signatures})
        self._runners = {s.name: self._interpreter.get_signature_runner(s.name) for s in spec.signatures}
        for s in spec.signatures:
            _compare(file, set(self._runners[s.name].get_input_details()), {i.name for i in s.inputs})
        self._lock = threading.Lock()  # an interpreter runs one call at a time

    def run(self, signature: SignatureSpec, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns name → output."""
        with self._lock:
            found = self._runners[signature.name](**inputs)
            return {name: np.array(value) for name, value in found.items()}


class OnnxEngine:
    """Reads an .onnx with onnxruntime."""

    def __init__(self, file: Path, spec: FileSpec, *, n_threads: int = 1) -> None:
        module = require(PACKAGE["onnx"][0], extra=PACKAGE["onnx"][1])
        options = module.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
        options.log_severity_level = 3
        try:
            self._session: Any = module.InferenceSession(
                str(file), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own for each fault of a file
            raise ModelFileError(f"{file} must be an ONNX model. Got: {_first_line(error)}") from error
        _compare(file, {o.name for o in self._session.get_outputs()}, _outputs(spec))
        names = {i.name for s in spec.signatures for i in s.inputs}
        _compare(file, {i.name for i in self._session.get_inputs()}, names)
        self._options = module.RunOptions()
        self._options.only_execute_path_to_fetches = True

    def run(self, signature: SignatureSpec, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns name → output."""
        names = [o.name for o in signature.outputs]
        return dict(zip(names, self._session.run(names, dict(inputs), self._options), strict=True))


ENGINES: dict[Format, type[LiteRTEngine] | type[OnnxEngine] | type[ExecuTorchEngine]] = {
    "litert": LiteRTEngine,
    "onnx": OnnxEngine,
    "executorch": ExecuTorchEngine,
}


def open_engine(file: Path, spec: FileSpec, *, n_threads: int = 1) -> Engine:
    """Returns the engine of a model file; `MissingExtra` names what installs it."""
    assert spec.format is not None, "a model file"
    return ENGINES[spec.format](file, spec, n_threads=n_threads)


def _outputs(spec: FileSpec) -> set[str]:
    return {o.name for s in spec.signatures for o in s.outputs}


def _compare(file: Path, there: set[str], named: set[str]) -> None:
    if there != named:
        raise ModelFileError(
            f"{file} must have what the manifest names ({', '.join(sorted(named))}). Got "
            f"{', '.join(sorted(there)) or 'nothing'}. The file belongs to another bundle."
        )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
