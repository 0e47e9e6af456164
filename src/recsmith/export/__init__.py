"""Device bundles: a model as files for phone, browser and server, with proof of the same answers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsmith.export.bundle import Bundle
    from recsmith.export.make import export_model
    from recsmith.export.manifest import Manifest
    from recsmith.export.runtime import BundleRecommender, load_bundle

_WHERE = {
    "Bundle": "bundle",
    "BundleRecommender": "runtime",
    "Manifest": "manifest",
    "export_model": "make",
    "load_bundle": "runtime",
}

__all__ = ["Bundle", "BundleRecommender", "Manifest", "export_model", "load_bundle"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
