"""What reads a .pte in Python: ExecuTorch's own runtime, which needs torch; on one thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import ModelFileError, require
from recsmith.export.manifest import FileSpec, SignatureSpec
from recsmith.export.quiet import quiet


class ExecuTorchEngine:
    """Reads a .pte; its one method gives the outputs of all signatures, in the manifest's order."""

    def __init__(self, file: Path, spec: FileSpec, *, n_threads: int = 1) -> None:
        with quiet():  # it warns of being experimental, and its C++ side of the processor
            runtime: Any = require("executorch.runtime", extra="executorch")
        self._torch: Any = require("torch", extra="executorch")
        try:
            with quiet():
                self._program = runtime.Runtime.get().load_program(file)  # lost to the method without a name
                self._method = self._program.load_method("forward")
        except (RuntimeError, OSError, ValueError) as error:
            raise ModelFileError(f"{file} must be an ExecuTorch program. Got: {error}") from error
        self._names = [o.name for signature in spec.signatures for o in signature.outputs]
        self._lock = threading.Lock()

    def run(self, signature: SignatureSpec, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns name → output."""
        given = [self._torch.from_numpy(np.ascontiguousarray(inputs[i.name])) for i in signature.inputs]
        with self._lock:
            found = {
                name: value.numpy().copy()
                for name, value in zip(self._names, self._method.execute(given), strict=True)
            }
        return {o.name: found[o.name] for o in signature.outputs}
