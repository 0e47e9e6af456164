"""What this machine offers recsmith: versions, cores, memory, extras, and where compiled kernels are kept."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import recsmith
from recsmith.config.run import cores

LIBRARIES = ("numpy", "scipy", "numba", "polars", "pydantic", "safetensors", "typer", "rich", "rapidfuzz")
EXTRAS = {
    "report": ("jinja2", "vl_convert"),
    "xlsx": ("xlsxwriter",),
    "sql": ("sqlalchemy",),
    "postgres": ("sqlalchemy", "psycopg"),
    "tune": ("optuna",),
    "index": ("faiss",),
    "neural": ("torch",),
    "tensorboard": ("torch", "tensorboard"),
    # Write bundles for devices …
    "litert": ("torch", "litert_torch", "ai_edge_quantizer", "ai_edge_litert"),
    "onnx": ("torch", "onnx", "onnxscript", "onnxruntime"),
    "executorch": ("torch", "executorch"),
    # … and read them.
    "litert-runtime": ("ai_edge_litert",),
    "onnx-runtime": ("onnxruntime",),
}


def examine() -> dict[str, Any]:
    """Returns what matters for running recsmith here, as plain values.

    `ok` is False when something will fail, and `problems` says what and how to cure it.
    """
    cache = kernel_cache()
    problems = (
        []
        if cache["writable"]
        else [
            f"compiled kernels must be kept in a folder one may write to. Got {cache['folder']}. "
            "Set NUMBA_CACHE_DIR to one, or each start compiles them again."
        ]
    )
    return {
        "ok": not problems,
        "problems": problems,
        "recsmith": recsmith.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "devices": {"cpu": {"name": processor(), "cores": os.cpu_count(), "usable_cores": cores()}},
        "memory_bytes": _memory(),
        "threads": {
            "recsmith": cores(),
            "environment": {
                name: os.environ[name]
                for name in (
                    "OMP_NUM_THREADS",
                    "OPENBLAS_NUM_THREADS",
                    "MKL_NUM_THREADS",
                    "NUMBA_NUM_THREADS",
                )
                if name in os.environ
            },
            "blas": _blas(),
        },
        "extras": {
            extra: {
                "installed": all(importlib.util.find_spec(module) is not None for module in modules),
                "install": f"pip install 'recsmith[{extra}]'",
            }
            for extra, modules in EXTRAS.items()
        },
        "kernel_cache": cache,
    }


def kernel_cache() -> dict[str, Any]:
    """Returns where numba keeps compiled kernels, how many there are, and whether it can write there."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(recsmith.__file__).parent / "kernels" / "__pycache__"
    compiled = list(folder.rglob("*.nbc")) if folder.is_dir() else []
    return {
        "folder": str(folder),
        "writable": _can_write(folder),
        "kernels": len(compiled),
        "bytes": sum(file.stat().st_size for file in compiled),
    }


def _can_write(folder: Path) -> bool:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def version_of(name: str) -> str | None:
    """Returns the installed version of a package, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Returns what the CPU calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _blas() -> list[dict[str, Any]]:
    import numpy  # noqa: F401  (the libraries below show up once it is loaded)
    from threadpoolctl import threadpool_info

    return [
        {
            "library": pool.get("internal_api"),
            "version": pool.get("version"),
            "threads": pool.get("num_threads"),
        }
        for pool in threadpool_info()
    ]
