"""BundleRecommender: a bundle read back as a Recommender; LiteRT or ONNX Runtime do it without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from recsmith.config import Config, Run
from recsmith.data import Dataset, Histories, Vocabulary
from recsmith.errors import InvalidValue, MissingExtra
from recsmith.export.bundle import Bundle
from recsmith.export.engines import PACKAGE, Engine, open_engine
from recsmith.export.inputs import Arrays, InputMaker, checked
from recsmith.export.manifest import FileSpec, Quantize, Role, SignatureSpec
from recsmith.models.base import State
from recsmith.models.memory import Memory
from recsmith.models.neural.occlusion import ExplainsByOcclusion
from recsmith.types import CodeArray, FloatArray

Runtime = Literal["auto", "litert", "onnx", "executorch"]
_ROWS = 256  # of a call of a file that takes any number


class BundleConfig(Config):
    """Says what was opened."""

    path: str = ""
    """The bundle's folder."""
    runtime: Runtime = "auto"
    """What reads it; auto takes the first one that is installed and has a file."""
    quantize: Quantize | None = None
    """Which model file: of float32, or the one that was made smaller."""
    n_threads: int = 1
    """Threads inside the runtime."""


class BundleRecommender(ExplainsByOcclusion):
    """Recommends what the model recommended that the bundle was made from; people are strangers to it.

    `_score` asks the file for all items' scores, so `recommend`, `evaluate` and filters work as ever.
    `on_device` gives the lists that the file itself makes.
    """

    Config: ClassVar[type[Config]] = BundleConfig
    config: BundleConfig
    bundle: Bundle
    spec: FileSpec

    def _open(self, bundle: Bundle, spec: FileSpec) -> None:
        self.bundle, self.spec = bundle, spec
        manifest = bundle.manifest
        self._memory = memory_of(bundle)
        self._engine = open_engine(bundle.file(spec), spec, n_threads=self.config.n_threads)
        self._signatures = {s.name: s for s in spec.signatures}
        self._maker = InputMaker(manifest, self._signatures["recommend"])
        # What a class says of all its models, a bundle says of one.
        self.needs_history = manifest.empty_history == "popular"  # type: ignore[misc]

    def on_device(
        self,
        histories: Histories,
        *,
        k: int | None = None,
        inputs: Mapping[str, Any] | None = None,
        signature: str = "recommend",
    ) -> tuple[CodeArray, FloatArray]:
        """Returns codes int32 [B, k] (-1 ends a short list) and scores float32 [B, k] as a device gets them.

        `inputs` adds or replaces inputs by name (person_…, context_…). Of histories longer than the file
        takes the newest events go in, and older ones are taken off the list, as readers on devices do.
        """
        manifest = self.bundle.manifest
        depth = manifest.top_k if k is None else k
        if not 1 <= depth <= manifest.top_k:
            cure = f"recommend(k={depth}) ranks all items." if "scores" in self._signatures else ""
            raise InvalidValue("k", f"from 1 to the file's top_k, {manifest.top_k}", depth, cure)
        arrays = self._maker.make(histories)
        if inputs:
            arrays |= checked(self._maker.specs, {**arrays, **inputs}, len(histories))
        found = self.call(signature, arrays)
        item_BK, score_BK = found["item"], found["score"]
        for row in np.flatnonzero(histories.lengths > manifest.history_length):
            old = histories.item[histories.indptr[row] : histories.indptr[row + 1] - manifest.history_length]
            _take_off(item_BK[row], score_BK[row], old)
        return item_BK[:, :depth], score_BK[:, :depth]

    def call(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Returns the outputs of a signature by name, for any number of rows; inputs are checked."""
        return run_rows(self._engine, self._signature(signature), inputs)

    def _signature(self, name: str) -> SignatureSpec:
        if name not in self._signatures:
            have = ", ".join(self._signatures)
            raise InvalidValue("signature", f"one that {self.spec.path} has ({have})", name)
        return self._signatures[name]

    def _score(self, histories: Histories) -> FloatArray:
        return self.call("scores", self._maker.make(histories))["scores"]

    def _read_events(self) -> int:
        return max(self.bundle.manifest.context_length, 1)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Decomposes by occlusion; an item without any evidence has nothing to decompose."""
        base_K = np.full(len(item_codes), -np.inf, np.float32)
        part_LK = np.zeros((int(history.lengths[0]), len(item_codes)), np.float32)
        known = np.isfinite(self._score(history)[0, item_codes])
        base_K[known], part_LK[:, known] = super()._contributions(history, item_codes[known])
        return base_K, part_LK

    def _fit(self, data: Dataset, run: Run) -> None:
        raise InvalidValue("a bundle", "made by exporting a fitted model", "fit")

    def _state(self) -> Mapping[str, State]:
        raise InvalidValue("a bundle", "copied as the folder that it is", "save")

    def __repr__(self) -> str:
        return f"BundleRecommender({str(self.bundle.path)!r}, {self.spec.path!r})"


def load_bundle(
    path: Path | str,
    *,
    runtime: Runtime = "auto",
    quantize: Quantize | None = None,
    n_threads: int = 1,
    check: bool = True,
) -> BundleRecommender:
    """Opens a bundle as a Recommender; checksums first unless `check` is off.

    Raises `MissingExtra` when no installed runtime reads it, `ModelFileError` for a bundle that is altered,
    incomplete or too new.
    """
    bundle = Bundle.open(path, check=check)
    return recommender_of(bundle, chosen(bundle, runtime, quantize), n_threads=n_threads)


def recommender_of(bundle: Bundle, spec: FileSpec, *, n_threads: int = 1) -> BundleRecommender:
    """Returns the reader of one model file."""
    model = BundleRecommender(
        path=str(bundle.path), runtime=spec.format, quantize=spec.quantize, n_threads=n_threads
    )
    model._open(bundle, spec)
    return model


def run_rows(engine: Engine, spec: SignatureSpec, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Returns the outputs for any number of rows, call by call; inputs are checked against the signature."""
    n = len(inputs["history"]) if "history" in inputs else 0
    arrays = checked(spec.inputs, inputs, n)
    size = spec.batch or _ROWS
    parts: list[Arrays] = []
    for start in range(0, n, size):
        some = {name: array[start : start + size] for name, array in arrays.items()}
        there = len(some["history"])
        if spec.batch is not None and there < size:
            some = {name: _filled(array, size) for name, array in some.items()}
        parts.append({name: a[:there] for name, a in engine.run(spec, some).items()})
    return {
        o.name: np.concatenate([part[o.name] for part in parts])
        if parts
        else np.zeros((0, *(int(x or 0) for x in o.shape[1:])), o.dtype)
        for o in spec.outputs
    }


def memory_of(bundle: Bundle) -> Memory:
    """Returns the catalogue as a model's memory, without people."""
    manifest, columns = bundle.manifest, bundle.catalogue()
    popularity = np.asarray(columns.pop("popularity", np.zeros(manifest.n_items)), np.float32)
    table = pl.DataFrame(columns, strict=False)
    if len(table) != manifest.n_items:
        raise InvalidValue("catalogue", f"of n_items rows, {manifest.n_items}", len(table))
    nobody = Vocabulary(pl.Series("user_id", [], dtype=pl.Int64))
    weights = manifest.weights
    return Memory(
        users=nobody,
        items=Vocabulary(table["item_id"]),
        catalogue=table,
        people=pl.DataFrame({"user_id": nobody.ids}),
        histories=Histories(
            np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32)
        ),
        popularity=popularity,
        feedback=weights.feedback,
        weight_range=(weights.smallest, weights.largest),
        mean_weight=weights.mean,
    )


def chosen(
    bundle: Bundle, runtime: Runtime, quantize: Quantize | None, *, role: Role = "recommend"
) -> FileSpec:
    """Returns the file to be read: the first that an installed runtime reads, when none is named."""
    if runtime != "auto":
        return bundle.model(runtime, quantize=quantize, role=role)
    there = {f.format for f in bundle.models if f.role == role and f.quantize == quantize}
    for format, (module, _) in PACKAGE.items():
        if format in there and importlib.util.find_spec(module.partition(".")[0]) is not None:
            return bundle.model(format, quantize=quantize, role=role)
    for format, (module, extra) in PACKAGE.items():
        if format in there:
            raise MissingExtra(module.partition(".")[0], extra)
    return bundle.model("litert", quantize=quantize, role=role)  # says what there is


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    """Returns the array with its last row repeated up to `size`."""
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])


def _take_off(item_K: CodeArray, score_K: FloatArray, old: np.ndarray) -> None:
    """Takes items off a list in place; what follows moves up."""
    keep = ~np.isin(item_K, old)
    n = int(keep.sum())
    item_K[:n], score_K[:n] = item_K[keep], score_K[keep]
    item_K[n:], score_K[n:] = -1, 0.0
